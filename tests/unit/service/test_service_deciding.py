from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from scipy import stats

from engine.core.arm import ArmId
from engine.core.context import Context
from engine.core.context_columns import ContextColumns
from engine.core.decision import Decision, Mode
from engine.core.drawing import reproduce
from engine.core.errors import InvalidInput
from engine.core.keyed_hash import KeyedHash
from engine.core.rules.rule import Inquiry
from engine.service.batch_request import BatchRequest
from engine.service.deciding import Deciding
from engine.service.explaining import Explaining
from engine.service.requests import DecideRequest
from engine.service.serving import Serving

AT = datetime(2026, 5, 1, tzinfo=UTC)
MakeServing = Callable[..., Serving]
MakeRequests = Callable[[int], list[DecideRequest]]


def decided(deciding: Deciding, serving: Serving, requests: list[DecideRequest]) -> list[Decision]:
    return list(deciding.decide(serving, requests, [AT] * len(requests)))


def essence(decision: Decision) -> tuple[Any, ...]:
    counts = None if decision.counts is None else decision.counts.tobytes()
    return (decision.id, decision.arm, decision.eligible, counts, decision.chosen_count, decision.seed, decision.mode)


@pytest.mark.parametrize("size", [1, 2, 7, 50, 120])
@pytest.mark.parametrize("learned", [True, False])
def test_batches_of_any_size_decide_bit_for_bit_alike(
    deciding: Deciding, make_serving: MakeServing, make_requests: MakeRequests, size: int, learned: bool
) -> None:
    serving, requests = make_serving(learned=learned), make_requests(120)
    alone = [essence(decided(deciding, serving, [request])[0]) for request in requests]
    parts = [decided(deciding, serving, requests[i : i + size]) for i in range(0, len(requests), size)]
    assert [essence(decision) for part in parts for decision in part] == alone
    assert {decision.mode for part in parts for decision in part} == {
        Mode.LIVE if learned else Mode.FALLBACK,
        Mode.CONTROL,
        Mode.HOLDOUT,
    }


def test_rules_act_before_the_draw_and_leave_reasons(
    deciding: Deciding, make_serving: MakeServing, make_requests: MakeRequests
) -> None:
    serving = make_serving(shares={"control": 0.0, "holdout": 0.0})
    for request, decision in zip(make_requests(60), decided(deciding, serving, make_requests(60)), strict=True):
        assert set(decision.eligible) | set(decision.excluded) == set(serving.catalogue.ids)
        assert not set(decision.eligible) & set(decision.excluded)
        assert decision.eligible[0] == "hold"
        assert decision.excluded[ArmId("c/email/now")] == "variant_draft"
        assert decision.counts is not None
        assert int(decision.counts.sum()) == 2**24
        assert decision.arm in decision.eligible
        if request.context.attributes["segment"] != "new":
            assert decision.excluded[ArmId("b/push/now")] == "variant_audience"
        if not request.context.consents:
            assert decision.excluded[ArmId("a/sms/now")] == "no_consent"


def test_a_record_repeats_its_draw(deciding: Deciding, make_serving: MakeServing, make_requests: MakeRequests) -> None:
    for decision in decided(deciding, make_serving(), make_requests(100)):
        assert decision.counts is not None
        index = reproduce(decision.counts, decision.seed)
        assert decision.eligible[index] == decision.arm
        assert int(decision.counts[index]) == decision.chosen_count


def test_holdout_gets_nothing_and_control_is_uniform(
    deciding: Deciding, make_serving: MakeServing, make_requests: MakeRequests
) -> None:
    decisions = decided(deciding, make_serving(), make_requests(300))
    for decision in decisions:
        assert decision.counts is not None
        match decision.mode:
            case Mode.HOLDOUT:
                assert (decision.arm, decision.eligible, decision.propensity) == ("hold", ("hold",), 1.0)
                assert (decision.snapshot, decision.policy) == ("", "holdout")
                assert set(decision.excluded.values()) == {"holdout"}
            case Mode.CONTROL:
                assert int(decision.counts.max() - decision.counts.min()) < len(decision.counts)
                assert (decision.snapshot, decision.policy) == ("", "uniform")
            case _:
                assert decision.mode is Mode.LIVE
                assert decision.snapshot == "00000001"
                assert decision.counts.max() > decision.counts.min()


def test_floor_holds_for_every_live_arm(
    deciding: Deciding, make_serving: MakeServing, make_requests: MakeRequests
) -> None:
    serving = make_serving()
    for decision in decided(deciding, serving, make_requests(120)):
        if decision.mode is not Mode.LIVE:
            continue
        mask = np.isin(serving.catalogue.ids, decision.eligible)[None, :]
        shares = serving.campaign.exploration.floor.shares(mask, serving.catalogue.cells)[0][mask[0]]
        assert decision.counts is not None
        assert (decision.counts / 2**24 >= shares - 2**-23).all()


def test_without_a_snapshot_the_propensity_is_true(
    deciding: Deciding, make_serving: MakeServing, make_requests: MakeRequests
) -> None:
    for decision in decided(deciding, make_serving(learned=False), make_requests(80)):
        if decision.mode is Mode.HOLDOUT:
            continue
        assert decision.mode in (Mode.FALLBACK, Mode.CONTROL)
        assert abs(decision.propensity - 1 / len(decision.eligible)) < 1e-6
        assert decision.policy == "uniform"


def test_draws_follow_the_recorded_probabilities(deciding: Deciding, make_serving: MakeServing) -> None:
    """Chi-square over 4,000 decisions of one context, at a fixed key: the record is the distribution drawn from."""
    serving = make_serving(shares={"control": 0.0, "holdout": 0.0})
    context = Context(np.array([1.0, -0.5, 0.2], dtype=np.float32), {"segment": "new"})
    requests = [DecideRequest("promo", f"u{i}", context, f"r{i}") for i in range(4_000)]
    decisions = decided(deciding, serving, requests)
    first = decisions[0]
    assert first.counts is not None
    seen = Counter(str(decision.arm) for decision in decisions)
    expected = first.counts / 2**24 * len(decisions)
    observed = np.array([seen[arm] for arm in first.eligible])
    assert stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue > 0.001


def test_shares_of_users_are_right_permanent_and_independent(deciding: Deciding, make_serving: MakeServing) -> None:
    shares = make_serving().campaign.shares
    modes = {f"u{i}": deciding.mode("promo", shares, f"u{i}") for i in range(20_000)}
    holdout = [user for user, mode in modes.items() if mode is Mode.HOLDOUT]
    control = [user for user, mode in modes.items() if mode is Mode.CONTROL]
    # Four standard errors around .1 and .2 · .9.
    assert abs(len(holdout) / 20_000 - 0.10) < 4 * (0.10 * 0.90 / 20_000) ** 0.5
    assert abs(len(control) / 20_000 - 0.18) < 4 * (0.18 * 0.82 / 20_000) ** 0.5
    assert all(deciding.mode("promo", shares, user) is Mode.HOLDOUT for user in holdout[:100])

    rotated = replace(shares, rotation="next")
    again = [user for user in modes if deciding.mode("promo", rotated, user) is Mode.HOLDOUT]
    both = len(set(again) & set(holdout)) / len(holdout)
    assert abs(both - 0.10) < 0.03, "a rotation draws the holdout anew"
    other = sum(deciding.mode("other", shares, user) is Mode.HOLDOUT for user in holdout) / len(holdout)
    assert abs(other - 0.10) < 0.03, "campaigns hold out different users"
    without = replace(shares, holdout=0.0)
    kept = sum(deciding.mode("promo", without, user) is Mode.CONTROL for user in control)
    assert kept == len(control), "the holdout takes nobody from one share to the other"


def test_the_mode_says_nothing_about_the_draw(deciding: Deciding, make_serving: MakeServing) -> None:
    """Seeds of control users are as uniform as all others: the domains of the keyed hash are independent."""
    serving = make_serving(learned=False)
    context = Context(np.zeros(3, dtype=np.float32))
    requests = [DecideRequest("promo", f"u{i}", context, f"u{i}") for i in range(6_000)]
    seeds = [d.seed / 2**63 for d in decided(deciding, serving, requests) if d.mode is Mode.CONTROL]
    assert len(seeds) > 800
    assert stats.kstest(seeds, "uniform").pvalue > 0.001


def test_another_key_draws_otherwise(make_serving: MakeServing, make_requests: MakeRequests) -> None:
    serving, requests = make_serving(), make_requests(100)
    one = decided(Deciding(KeyedHash(b"0" * 16)), serving, requests)
    two = decided(Deciding(KeyedHash(b"1" * 16)), serving, requests)
    assert not {d.id for d in one} & {d.id for d in two}
    assert [d.arm for d in one] != [d.arm for d in two]


@pytest.mark.parametrize("user", ["", "u" * 257])
def test_user_ids_are_bounded(
    deciding: Deciding, make_serving: MakeServing, make_requests: MakeRequests, user: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        decided(deciding, make_serving(), [replace(make_requests(1)[0], user=user)])
    assert caught.value.field == "user"


def test_body_digest_sees_every_part_but_time(deciding: Deciding, make_requests: MakeRequests) -> None:
    base = make_requests(1)[0]
    context = base.context
    others = [
        replace(base, user="v"),
        replace(base, channels=("email",)),
        replace(base, slots=("now",)),
        replace(base, variants=("a",)),
        replace(base, time_zone="Europe/Berlin"),
        replace(base, time_zone="Europe/Paris"),
        replace(base, context=replace(context, embedding=context.embedding + 1)),
        replace(base, context=replace(context, attributes={})),
        replace(base, context=replace(context, consents=frozenset({"push"}))),  # type: ignore[arg-type]
    ]
    digests = {deciding.identify(request).digest for request in (base, *others)}
    assert len(digests) == len(others) + 1
    assert deciding.identify(replace(base, at=None)) == deciding.identify(base)


def test_explanations_tell_what_deciding_does(
    deciding: Deciding, make_serving: MakeServing, make_requests: MakeRequests
) -> None:
    serving, explaining = make_serving(), Explaining(deciding)
    requests = make_requests(60)
    for request, decision in zip(requests, decided(deciding, serving, requests), strict=True):
        told = explaining.request(serving, request, Inquiry(request.context, AT), detailed=2)
        assert (told.mode, told.snapshot, told.policy) == (decision.mode, decision.snapshot, decision.policy)
        assert tuple(candidate.arm for candidate in told.candidates) == decision.eligible
        assert [candidate.probability for candidate in told.candidates] == decision.probabilities
        assert told.excluded == decision.excluded
        past = explaining.decision(serving, decision)
        assert [c.probability for c in past.candidates] == decision.probabilities
        if decision.mode is Mode.LIVE:
            detailed = [candidate for candidate in told.candidates if candidate.contributions]
            assert len(detailed) == 2
            for candidate in detailed:
                assert candidate.cost is not None
                total = sum(value for _, value in candidate.contributions)
                assert total == pytest.approx(candidate.cost, abs=1e-6)


@pytest.mark.parametrize("changes", [{}, {"audience": {"segment": ["new"]}}, {"shares": {"control": 0.0}}])
def test_a_batch_in_columns_decides_as_single_requests_do(
    deciding: Deciding, make_serving: MakeServing, make_requests: MakeRequests, changes: dict[str, Any]
) -> None:
    serving, requests = make_serving(**changes), make_requests(90)
    kinds = [{"segment": name} for name in ("new", "old", "other")]
    contexts = ContextColumns(
        np.array([request.context.embedding for request in requests]),
        [kinds[i % 3] for i in range(90)],
        [request.context.consents for request in requests],
    )
    batch = BatchRequest("promo", [request.user for request in requests], contexts, "night")
    block = deciding.draw_batch(serving, batch, "night", AT)
    ids = deciding.row_ids("promo", "night", len(requests))
    one_by_one = []
    for id, request in zip(ids, requests, strict=True):
        identity = deciding.identify(request)._replace(id=id)
        (one,), refused = deciding.draw(serving, [deciding.prepare(serving, request, identity, AT)])
        assert not refused
        one_by_one.append(one)
    assert not set(ids) & {deciding.decision_id("promo", f"night/{i}") for i in range(len(ids))}
    assert [essence(decision) for decision in block] == [essence(decision) for decision in one_by_one]
    for one, other in zip(block, one_by_one, strict=True):
        assert (one.user, one.policy, one.snapshot) == (other.user, other.policy, other.snapshot)
        assert dict(one.excluded) == dict(other.excluded)
        assert dict(one.context.attributes) == dict(other.context.attributes)


def test_a_wrong_row_of_a_batch_is_named(deciding: Deciding, make_serving: MakeServing) -> None:
    rows = np.zeros((4, 3), dtype=np.float32)
    rows[2, 1] = np.nan
    contexts = ContextColumns(rows, [{}] * 4, [None] * 4)
    with pytest.raises(InvalidInput) as caught:
        deciding.draw_batch(make_serving(), BatchRequest("promo", ["u"] * 4, contexts), "n", AT)
    assert caught.value.field == "embeddings[2]"
    contexts = ContextColumns(rows[:2], [{"size": 1.0}] * 2, [None] * 2)
    with pytest.raises(InvalidInput, match="schema"):
        deciding.draw_batch(make_serving(), BatchRequest("promo", ["u"] * 2, contexts), "n", AT)
    with pytest.raises(InvalidInput, match="user"):
        deciding.draw_batch(make_serving(), BatchRequest("promo", ["u", ""], contexts), "n", AT)
