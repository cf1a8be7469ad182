"""A shop that reports purchases by user alone: what holding back is worth is what people buy anyway."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from engine.core.decision import Decision, Mode
from engine.core.join import Joiner
from engine.core.joined_decision import JoinedDecision
from engine.core.outcome import Outcome, OutcomeType
from engine.core.variant import Variant, VariantState
from engine.journal import JournalReader, Positions
from engine.service.exporting import export_log

USERS, ROUNDS = 1_500, 4
HORIZON_S = 360.0  # the window of 300 s after the longest slot delay, 60 s
ORGANIC_PER_S = 0.25 / HORIZON_S
UPLIFT, BASKET = 0.30, 20.0
TRUE_HOLD = 0.25 * BASKET
TRUE_SEND = TRUE_HOLD + UPLIFT * BASKET


@dataclass(frozen=True)
class Row:
    user: str
    arm: str
    propensity: float
    revenue: float


@pytest.fixture(scope="module")
def shop(tmp_path_factory, campaign_maker, shop_maker) -> Any:
    one = Variant(id="v0", state=VariantState.APPROVED, channels={"email": {}})
    shop = shop_maker(tmp_path_factory.mktemp("hold"), campaign_maker(variants=(one,)))
    trade(shop)
    yield shop
    shop.close()


def trade(shop: Any) -> None:
    """Everybody is decided for every ten minutes or so; every purchase is reported with user and time alone."""
    rng, events = np.random.default_rng(7), []
    for u in range(USERS):
        user, at = f"u{u}", float(rng.uniform(0, 600))
        holdout = rng.random() < 0.1
        end = at + ROUNDS * 700.0
        for organic in np.cumsum(rng.exponential(1 / ORGANIC_PER_S, size=40)) + at:
            if organic < end:
                events.append((organic, user, "buy"))
        for _ in range(ROUNDS):
            events.append((at, user, "holdout" if holdout else "live"))
            at += HORIZON_S + float(rng.uniform(1, 300))
    pending: list[tuple[float, str]] = []
    bought = 0
    for at, user, what in sorted(events):
        shop.seconds = at
        for due in sorted(p for p in pending if p[0] <= at):
            pending.remove(due)
            bought += 1
            shop.record(purchase(shop, bought, *due))
        if what == "buy":
            bought += 1
            shop.record(purchase(shop, bought, at, user))
            continue
        mode = Mode(what)
        decision = shop.decision(user, mode=mode, eligible=[0] if mode is Mode.HOLDOUT else None)
        shop.record(decision)
        if decision.is_send and rng.random() < UPLIFT:
            pending.append((at + float(rng.uniform(1, HORIZON_S - 1)), user))
    shop.quiet(3_000)


def purchase(shop: Any, number: int, at: float, user: str) -> Outcome:
    return Outcome(f"order-{number}", "spring", OutcomeType.PURCHASE, shop.after(at), BASKET, user=user)


def exported(shop: Any, path: Any) -> tuple[list[Row], list[Row]]:
    export_log(JournalReader(shop.folder / "journal"), shop.campaign, lambda digest: shop.catalogue, path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return (
        [row_of(row) for row in rows if row["mode"] == "live"],
        [row_of(row) for row in rows if row["mode"] == "holdout"],
    )


def row_of(row: Mapping[str, Any]) -> Row:
    revenue = sum(outcome["value"] for outcome in row["outcomes"] if outcome["type"] == "purchase")
    return Row(row["user"], row["arm"], row["propensity"], revenue)


def joined(shop: Any) -> list[Row]:
    """The same through the join that learning uses."""
    horizons = {kind: timedelta(seconds=shop.campaign.horizon_s(kind)) for kind in OutcomeType}
    joiner: Joiner[Any] = Joiner(horizons, "last", timedelta(seconds=shop.campaign.training_horizon_s))
    reader, read = JournalReader(shop.folder / "journal"), Positions()
    for position, entry in reader.read():
        read = read.after(position)
        joiner.feed(position, entry.recorded_at, entry.record if isinstance(entry.record, Decision | Outcome) else None)
    watermark = reader.watermark(read)
    assert watermark is not None
    return [
        Row(item.decision.user, item.decision.arm, item.decision.propensity, sum(o.value for o in item.outcomes))
        for item in joiner.advance(watermark)
        if isinstance(item, JoinedDecision) and item.decision.mode is Mode.LIVE
    ]


def ips(rows: list[Row], wanted: Callable[[str], bool]) -> tuple[float, float]:
    """Self-normalised inverse propensity score of one constant choice, and the half width of its 95 % interval.

    Clustered by user: decisions of one user hang together.
    """
    weights = np.array([wanted(row.arm) / row.propensity for row in rows])
    rewards = np.array([row.revenue for row in rows])
    value = float(weights @ rewards / weights.sum())
    _, user = np.unique([row.user for row in rows], return_inverse=True)
    residuals = np.bincount(user, weights * (rewards - value))
    return value, 1.96 * float(np.sqrt(residuals @ residuals)) / weights.sum()


def test_hold_is_worth_what_people_buy_anyway(shop, tmp_path):
    live, _ = exported(shop, tmp_path / "log.jsonl")
    value, half = ips(live, lambda arm: arm == "hold")
    assert half < 0.15 * TRUE_HOLD
    assert abs(value - TRUE_HOLD) < half
    # Had only sends been credited, hold would look worthless and every send would look far better than it is.
    blind = [row if row.arm != "hold" else Row(row.user, row.arm, row.propensity, 0.0) for row in live]
    wrong, wrong_half = ips(blind, lambda arm: arm == "hold")
    assert abs(wrong - TRUE_HOLD) > wrong_half + half


def test_a_send_is_worth_what_it_adds(shop, tmp_path):
    live, _ = exported(shop, tmp_path / "log.jsonl")
    send, send_half = ips(live, lambda arm: arm == "v0/email/now")
    assert abs(send - TRUE_SEND) < send_half
    hold, hold_half = ips(live, lambda arm: arm == "hold")
    assert abs((send - hold) - UPLIFT * BASKET) < send_half + hold_half


def test_the_holdout_says_the_same_without_any_weighting(shop, tmp_path):
    _, holdout = exported(shop, tmp_path / "log.jsonl")
    value, half = ips(holdout, lambda arm: arm == "hold")
    assert {row.propensity for row in holdout} == {1.0}
    assert abs(value - TRUE_HOLD) < half


def test_training_sees_the_same_value(shop, tmp_path):
    live, _ = exported(shop, tmp_path / "log.jsonl")
    assert ips(joined(shop), lambda arm: arm == "hold") == pytest.approx(ips(live, lambda arm: arm == "hold"))
