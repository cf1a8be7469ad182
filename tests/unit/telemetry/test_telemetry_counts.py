"""Counts against the decisions themselves; no clock, no thread, no network."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from engine.core.campaign import Campaign
from engine.core.context import Context
from engine.core.decision import Mode
from engine.core.decision_block import DecisionBlock
from engine.core.drawing import SCALE
from engine.core.keyed_hash import KeyedHash
from engine.core.outcome import Outcome, OutcomeType
from engine.core.reading import read
from engine.service.deciding import Deciding
from engine.service.requests import DecideRequest
from engine.service.serving import Serving
from engine.telemetry.call_counts import CallCounts
from engine.telemetry.campaign_counts import CampaignCounts
from engine.telemetry.decision_counts import DecisionCounts
from engine.telemetry.histogram import BOUNDS_S, Histogram
from engine.telemetry.seen_users import SeenUsers
from engine.telemetry.series import Series

AT = datetime(2026, 6, 1, tzinfo=UTC)


def serving_of(**changes: object) -> Serving:
    channels = {name: {"text": name} for name in ("email", "sms")}
    settings = {
        "id": "promo",
        "schema": {"dimension": 2},
        "channels": [{"id": "email"}, {"id": "sms", "needs_consent": True}],
        "slots": [{"id": "now"}],
        "variants": [
            {"id": "a", "state": "approved", "channels": channels},
            {"id": "b", "state": "paused", "channels": channels},
        ],
        "shares": {"control": 0.2, "holdout": 0.1},
        **changes,
    }
    return Serving(read(Campaign, settings), 1, None)


Decide = Callable[[Serving, range], DecisionBlock]


@pytest.fixture
def decide() -> Decide:
    deciding = Deciding(KeyedHash(bytes(16)))

    def made(serving: Serving, numbers: range) -> DecisionBlock:
        requests = [
            DecideRequest(
                campaign=serving.campaign.id,
                user=f"user-{i % 400}",
                context=Context(np.zeros(2, dtype=np.float32), {}, frozenset(["sms"] if i % 2 else [])),
                request_id=f"r{i}",
            )
            for i in numbers
        ]
        return deciding.decide(serving, requests, [AT] * len(requests))

    return made


def counted(counts: DecisionCounts) -> Series:
    series = Series()
    counts.put(series)
    return series


@pytest.mark.parametrize("rows", [1, 7, 300])
def test_counts_are_those_of_the_decisions(decide: Decide, rows: int) -> None:
    serving, counts = serving_of(), DecisionCounts(SeenUsers(1 << 16), window=64)
    decisions = []
    for start in range(0, 600, rows):
        block = decide(serving, range(start, start + rows))
        decisions += list(block)
        counts.decided(block, serving, "Decide", 1e-3, 2e-3)
    found = counted(counts).of
    states = Counter(("promo", str(d.mode), "approved" if d.is_send else "hold") for d in decisions)
    assert found["armsreach_decisions"] == states
    assert found["armsreach_exclusions"] == Counter(("promo", r) for d in decisions for r in d.excluded.values())
    users = {d.user: d.mode for d in decisions}
    groups = Counter("champion" if mode is Mode.FALLBACK else str(mode) for mode in users.values())
    assert {labels[1]: value for labels, value in found["armsreach_users"].items()} == groups
    waited = found["armsreach_stage_seconds"]["Decide", "queue"]
    assert isinstance(waited, list)
    assert sum(waited[:-1]) == len(decisions)
    assert waited[-1] == pytest.approx(1e-3 * len(decisions))


def test_floor_hits_are_live_choices_that_the_floor_made(decide: Decide) -> None:
    serving, counts = serving_of(shares={"control": 0.0}), DecisionCounts(SeenUsers(1 << 10), window=64)
    block = decide(serving, range(3))
    floor = np.array([block.sets[i].floor[column] for i, column in enumerate(block.columns)])
    chosen = np.array([floor[0] * SCALE * 1.9, floor[1] * SCALE * 2.1, floor[2] * SCALE]).astype(np.int64)
    block = replace(block, chosen=chosen, modes=[Mode.LIVE, Mode.LIVE, Mode.CONTROL])
    counts.decided(block, serving, "Decide", 0.0, 0.0)
    assert counted(counts).of["armsreach_floor_hits"] == {("promo",): 1}


def test_a_user_counts_once_until_the_shares_change(decide: Decide) -> None:
    counts = DecisionCounts(SeenUsers(1 << 16), window=64)
    for shares in ({"control": 0.2}, {"control": 0.3}):
        serving = serving_of(shares=shares)
        for _ in range(2):
            counts.decided(decide(serving, range(50)), serving, "Decide", 0.0, 0.0)
    counted(counts)
    assert sum(counts.campaigns["promo"].users) == 50
    assert counts.campaigns["promo"].shares == (0.0, 0.3, "0")


def test_one_in_sixty_four_is_put_aside_whatever_the_blocks(decide: Decide) -> None:
    serving = serving_of()
    picked = []
    for rows in (1, 10, 200):
        counts = CampaignCounts("promo", SeenUsers(1 << 10), window=100)
        for start in range(0, 400, rows):
            counts.add([decide(serving, range(start, start + rows))], serving)
        picked.append(len(counts.samples))
        ends = [window.decisions for window in counts.windows]
        assert all(b - a >= 100 for a, b in zip([0, *ends], ends, strict=False))
    assert picked == [6, 6, 6]


def test_outcomes_and_repeats(decide: Decide) -> None:
    counts = DecisionCounts(SeenUsers(1 << 10), window=64)
    clicks = [Outcome(id=str(i), campaign="promo", type=OutcomeType.CLICK, at=AT, decision_id="d") for i in range(3)]
    counts.reported("promo", clicks, 2)
    counts.committed(5, "ReportOutcomes", 0.2)
    counts.failed(2)
    found = counted(counts).of
    assert found["armsreach_outcomes"] == {("promo", "click"): 3}
    assert found["armsreach_reports_repeated"] == {("promo",): 2}
    assert (found["armsreach_records"], found["armsreach_records_lost"]) == ({(): 5}, {(): 2})


def test_seen_users_share_memory_and_thin_collisions() -> None:
    seen, users = SeenUsers(1 << 20), [f"{i * 2654435761 % 2**32:08x}" + "0" * 24 for i in range(1, 2_000)]
    assert len(seen.new_ones(users, 0)) == len(users)
    assert len(SeenUsers(1 << 20, seen.memory).new_ones(users, 0)) == 0
    assert len(seen.new_ones(users, 12_345)) > 1_900, "another salt, other slots"
    assert len(seen.new_ones(["not hexadecimal", "not hexadecimal"], 0)) == 1


def test_histograms_agree_one_by_one_and_together() -> None:
    one, many = Histogram(), Histogram()
    seconds = [*BOUNDS_S, 1e-9, 99.0, 0.0015]
    for value in seconds:
        one.add(value)
    many.add_many(seconds, [1] * len(seconds))
    assert one.values[:-1] == many.values[:-1] == [2, 1, 1, 1, 1, 2, *[1] * 12]
    assert one.values[-1] == pytest.approx(many.values[-1])


def test_calls_by_method_and_code() -> None:
    calls, series = CallCounts(), Series()
    for code in (0, 0, 8, 99):
        calls.done("Decide", 0.003, code)
    calls.put(series)
    sums = {labels: sum(v[:-1]) for labels, v in series.of["armsreach_request_seconds"].items() if isinstance(v, list)}
    assert sums == {("Decide", "OK"): 2, ("Decide", "RESOURCE_EXHAUSTED"): 1, ("Decide", "99"): 1}
