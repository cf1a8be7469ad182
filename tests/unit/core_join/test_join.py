from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.errors import InvalidInput
from engine.core.join import Joiner
from engine.core.join_rejection import Rejection
from engine.core.joined_decision import JoinedDecision
from engine.core.outcome import MONEY, Outcome, OutcomeType

START = datetime(2026, 1, 1, tzinfo=UTC)
HORIZONS = {kind: timedelta(seconds=100) for kind in OutcomeType} | {OutcomeType.CLICK: timedelta(seconds=50)}
WAIT = timedelta(seconds=100)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    chain: str
    segment: int
    offset: int


def t(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def decide(id: str, at: float, user: str = "u", mode: Mode = Mode.LIVE, arm: str = "hold") -> Decision:
    return Decision(
        id=id, campaign="c", user=user, decided_at=t(at), arm=arm, eligible=("hold", "a/b/c"),
        counts=np.array([1 << 23, 1 << 23], dtype=np.uint32), chosen_count=1 << 23, seed=1,
        context=Context(np.zeros(0, np.float32)), mode=mode, catalogue="k",
    )  # fmt: skip


def buy(
    id: str, at: float, value: float = 1.0, *, user: str = "u", decision: str = "", kind: str = "purchase"
) -> Outcome:
    return Outcome(id, "c", OutcomeType(kind), t(at), value, decision, "" if decision else user)


def run(entries, attribution="last", *, until=10_000.0, joiner=None):
    """Feed (recorded_at, record) in one chain, then let everything mature."""
    joiner = joiner or Joiner(HORIZONS, attribution, WAIT)
    for offset, (recorded_at, record) in enumerate(entries):
        joiner.feed(Place("w0", 1, offset), t(recorded_at), record)
    return list(joiner.advance(t(until))), joiner


def summary(items):
    return [
        (i.decision.id, [(c.outcome.id, c.outcome.value, c.attribution) for c in i.credits], i.matured_at)
        if isinstance(i, JoinedDecision)
        else (i.record.id, i.reason)
        for i in items
    ]


def credits(items):
    return {
        i.decision.id: [(c.outcome.id, c.outcome.value) for c in i.credits]
        for i in items
        if isinstance(i, JoinedDecision)
    }


def test_an_outcome_that_names_its_decision_is_credited_to_it():
    items, _ = run([(0, decide("d1", 0)), (20, buy("o1", 10, decision="d1", kind="click"))])
    assert summary(items) == [("d1", [("o1", 1.0, "id")], t(100))]


def test_nothing_is_released_before_the_watermark_has_passed_the_maturity():
    joiner = Joiner(HORIZONS, "last", WAIT)
    joiner.feed(Place("w0", 1, 0), t(0), decide("d1", 0))
    assert list(joiner.advance(t(100))) == []
    assert [i.decision.id for i in joiner.advance(t(100.001))] == ["d1"]


def test_maturity_counts_from_the_later_of_deciding_and_recording():
    items, _ = run([(30, decide("reported-later", 0)), (30, decide("prompt", 30))])
    assert [i.matured_at for i in items] == [t(130), t(130)]


def test_release_order_is_maturity_then_id():
    items, _ = run([(0, decide("b", 0)), (0, decide("a", 0)), (1, decide("0", 0))])
    assert [i.decision.id for i in items] == ["a", "b", "0"]


@pytest.mark.parametrize(
    ("at", "recorded", "what"),
    [
        (50, 50, "credited"),
        (50.001, 51, "outside"),
        (-0.001, 1, "outside"),
        (0, 100, "credited"),
        (0, 100.001, "late"),
    ],
)
def test_the_window_of_an_outcome(at, recorded, what):
    items, joiner = run([(0, decide("d1", 0)), (recorded, buy("o", at, decision="d1", kind="click"))])
    tally = joiner.tally
    counts = {"credited": tally.outcomes, "outside": tally.outside_outcomes, "late": tally.late_outcomes}
    assert counts == {"credited": 0, "outside": 0, "late": 0, what: 1}
    assert credits(items)["d1"] == ([("o", 1.0)] if what == "credited" else [])


def test_an_early_outcome_waits_for_its_decision():
    items, joiner = run([(0, buy("o", 5, decision="d1", kind="click")), (9, decide("d1", 4))])
    assert credits(items) == {"d1": [("o", 1.0)]}
    assert joiner.tally.rejected == 0


def test_an_outcome_of_a_decision_that_never_comes_is_rejected_with_its_place():
    items, joiner = run([(0, buy("o", 0, decision="of-another-campaign")), (1000, decide("d9", 1000))])
    rejections = [i for i in items if isinstance(i, Rejection)]
    assert [(r.record.id, r.place.offset) for r in rejections] == [("o", 0)]
    assert "decision_id" in rejections[0].reason
    assert joiner.tally.rejected == 1


def test_duplicates_count_once_and_the_first_one_counts():
    first = buy("o", 5, 3.0, decision="d1")
    entries = [(0, decide("d1", 0)), (1, decide("d1", 1)), (6, first), (7, replace(first, value=9.0)), (8, first)]
    items, joiner = run(entries)
    assert credits(items) == {"d1": [("o", 3.0)]}
    assert (joiner.tally.duplicate_decisions, joiner.tally.duplicate_outcomes) == (1, 2)


def test_a_purchase_by_user_goes_to_the_latest_decision_whatever_its_arm_or_mode():
    entries = [
        (0, decide("send", 0, arm="a/b/c")),
        (10, decide("hold", 10)),
        (15, buy("p1", 15)),
        (20, decide("holdout", 20, mode=Mode.HOLDOUT)),
        (25, buy("p2", 25)),
        (30, decide("shadow", 30, mode=Mode.SHADOW)),
        (35, buy("p3", 35)),
        (40, buy("r", 40, 0.5, kind="refund")),
    ]
    items, _ = run(entries)
    assert credits(items) == {
        "send": [], "hold": [("p1", 1.0)], "holdout": [("p2", 1.0), ("p3", 1.0), ("r", 0.5)], "shadow": [],
    }  # fmt: skip


def test_a_purchase_by_user_counts_only_where_a_horizon_covers_it():
    items, joiner = run(
        [(0, decide("d1", 0)), (90, decide("d2", 90)), (95, buy("c", 95, kind="click")), (96, buy("before", -1))]
    )
    assert credits(items) == {"d1": [], "d2": [("c", 1.0)]}
    assert joiner.tally.unclaimed_outcomes == 0
    _, joiner = run([(0, decide("d1", 0)), (2, buy("before", -1)), (3, buy("other", 3, user="v"))])
    assert (joiner.tally.unclaimed_outcomes, joiner.tally.rejected) == (0, 0)
    _, joiner = run(
        [(0, decide("d1", 0)), (2, buy("before", -1)), (3, buy("other", 3, user="v")), (900, decide("d2", 900))]
    )
    assert (joiner.tally.unclaimed_outcomes, joiner.tally.rejected) == (2, 0)


def test_all_credits_each_covering_decision_but_money_once():
    entries = [(0, decide("d1", 0)), (10, decide("d2", 10)), (20, buy("p", 20, 7.0)), (21, buy("c", 21, kind="click"))]
    items, _ = run(entries, "all")
    assert credits(items) == {"d1": [("p", 0.0), ("c", 1.0)], "d2": [("p", 7.0), ("c", 1.0)]}


def test_an_anonymous_decision_claims_nothing_by_user():
    items, joiner = run([(0, decide("d1", 0, user="")), (1, buy("o", 1, decision="d1")), (900, decide("d2", 900))])
    assert credits(items)["d1"] == [("o", 1.0)]
    assert len(joiner) < 10


def test_money_is_not_counted_again_by_a_decision_that_was_reported_after_its_rival_matured():
    entries = [(0, decide("d1", 0)), (100, buy("p", 99, 7.0)), (101, decide("d2", 98))]
    items, _ = run(entries)
    assert credits(items) == {"d1": [("p", 7.0)], "d2": []}


def test_a_decision_far_ahead_of_the_journal_is_rejected_so_that_memory_stays_bounded():
    items, _ = run([(0, decide("d1", 100)), (0, decide("d2", 99))])
    assert [type(i) for i in items] == [Rejection, JoinedDecision]


def test_a_straggler_is_joined_while_its_slice_is_open_and_rejected_afterwards():
    joiner = Joiner(HORIZONS, "last", WAIT)
    assert list(joiner.advance(t(50))) == []
    joiner.feed(Place("w1", 1, 0), t(10), decide("in-time", 10))
    assert [i.decision.id for i in joiner.advance(t(500))] == ["in-time"]
    joiner.feed(Place("w1", 1, 1), t(5), decide("too-late", 5))
    [rejection] = joiner.advance(t(600))
    assert "--rebuild" in rejection.reason


def test_memory_is_bounded_by_the_span():
    joiner = Joiner(HORIZONS, "last", WAIT)
    most = 0
    for i in range(5_000):
        joiner.feed(Place("w0", 1, 3 * i), t(i), decide(f"d{i}", i, user=f"u{i % 7}"))
        joiner.feed(Place("w0", 1, 3 * i + 1), t(i), buy(f"n{i}", i, decision=f"d{i - 3}"))
        joiner.feed(Place("w0", 1, 3 * i + 2), t(i), buy(f"p{i}", i, user=f"u{i % 9}"))
        for _ in joiner.advance(t(i)):
            pass
        if i > 500:
            most = max(most, len(joiner))
    # 200 s of span × (1 decision + 2 outcomes) twice (records and ids), and 3 × 32 samples of the trail.
    assert most < 200 * 3 * 2 + 150
    assert joiner.low_mark()["w0"].offset > 3 * (5_000 - 100 - 620)


@pytest.mark.parametrize("wait", [timedelta(0), timedelta(-1)])
def test_a_training_horizon_is_above_zero(wait):
    with pytest.raises(InvalidInput, match="training_horizon"):
        Joiner(HORIZONS, "last", wait)


# -- any journal ----------------------------------------------------------------------------------------------------


@st.composite
def journals(draw):
    """Two chains of records with late, early, repeated and foreign ones; times on a coarse grid, so that many tie."""
    chains = {}
    ids = [f"d{i}" for i in range(12)]
    for chain in ("w0", "w1"):
        clock, entries = 0, []
        for _ in range(draw(st.integers(0, 25))):
            clock += draw(st.sampled_from([0, 0, 1, 7, 40, 150]))
            lag = draw(st.sampled_from([0, 0, 3, 60, -2]))
            if draw(st.booleans()):
                mode = draw(st.sampled_from([Mode.LIVE, Mode.LIVE, Mode.HOLDOUT, Mode.SHADOW]))
                record = decide(draw(st.sampled_from(ids)), clock - lag, draw(st.sampled_from("uv")), mode)
            else:
                named = draw(st.sampled_from([*ids, "foreign", "", "", "", ""]))
                kind = draw(st.sampled_from(["click", "purchase", "refund"]))
                record = buy(
                    f"o{draw(st.integers(0, 30))}", clock - lag, draw(st.integers(1, 5)), kind=kind,
                    decision=named, user=draw(st.sampled_from("uv")),
                )  # fmt: skip
            entries.append((clock, record))
        chains[chain] = [(Place(chain, 1, i), at, record) for i, (at, record) in enumerate(entries)]
    return chains


def in_order(chains):
    return sorted((item for chain in chains.values() for item in chain), key=lambda i: (i[1], i[0]))


def play(chains, picks, attribution="last"):
    """Feed the chains in the order that `picks` says, advancing as the chains' own clocks allow."""
    joiner = Joiner(HORIZONS, attribution, WAIT)
    left = {chain: list(items) for chain, items in chains.items()}
    clocks = dict.fromkeys(chains, 0)
    out = []
    while any(left.values()):
        open_chains = [chain for chain in left if left[chain]]
        pick = next(picks, 0)
        chain = open_chains[pick % len(open_chains)]
        place, at, record = left[chain].pop(0)
        clocks[chain] = at if left[chain] else 10**6
        joiner.feed(place, t(at), record)
        if pick % 3:
            out += joiner.advance(t(min(clocks.values())))
    return out + list(joiner.advance(t(10**5))), joiner


@settings(max_examples=60, deadline=None)
@given(journals(), st.lists(st.integers(0, 5), max_size=50), st.sampled_from(["last", "all"]))
def test_no_interleaving_and_no_batching_changes_what_comes_out(chains, picks, attribution):
    one, first = play(chains, iter(picks), attribution)
    other, second = play(chains, iter([]), attribution)
    assert summary(one) == summary(other)
    assert first.tally == second.tally


@settings(max_examples=60, deadline=None)
@given(journals(), st.integers(0, 20), st.sampled_from(["last", "all"]))
def test_a_restart_anywhere_changes_nothing(chains, stop, attribution):
    whole, undisturbed = play(chains, iter([]), attribution)
    joiner = Joiner(HORIZONS, attribution, WAIT)
    out = []
    for place, at, record in in_order(chains):
        joiner.feed(place, t(at), record)
    for item in joiner.advance(t(10**5)):
        out.append(item)
        if isinstance(item, JoinedDecision) and (stop := stop - 1) < 0:
            break
    else:
        return
    low, last, tally = joiner.low_mark(), (item.matured_at, item.decision.id), joiner.tally
    again = Joiner(HORIZONS, attribution, WAIT, start=low, after=last)
    again.tally = tally
    for place, at, record in in_order(chains):
        if place.chain not in low or place > low[place.chain]:
            again.feed(place, t(at), record)
    out += again.advance(t(10**5))
    assert summary(out) == summary(whole)
    assert again.tally == undisturbed.tally


def expected(chains, attribution):
    """The rules read out plainly, over the whole journal at once, for journals shorter than one span."""
    first: dict[tuple[type, str], tuple] = {}
    for place, at, record in in_order(chains):
        first.setdefault((type(record), record.id), (place, t(at), record))
    decisions = sorted(
        ((max(d.decided_at, at) + WAIT, d.id, at, d) for _, at, d in first.values() if isinstance(d, Decision)),
        key=lambda item: item[:2],
    )
    outcomes = [(at, o) for _, at, o in first.values() if isinstance(o, Outcome)]
    paid: set[str] = set()
    result = []
    for matured, id, _, d in decisions:
        mine = []
        for at, o in outcomes:
            if at > matured or not d.decided_at <= o.at <= d.decided_at + HORIZONS[o.type]:
                continue
            if o.decision_id:
                if o.decision_id == id:
                    mine.append((o.id, o.value, "id"))
            elif o.user == d.user and d.mode is not Mode.SHADOW:
                rivals = [
                    (r.decided_at, r.id) for _, _, seen, r in decisions
                    if r.user == o.user and r.mode is not Mode.SHADOW and seen <= matured and r.decided_at <= o.at
                ]  # fmt: skip
                latest = max(rivals) == (d.decided_at, id)
                if attribution == "all":
                    mine.append((o.id, 0.0 if o.type in MONEY and (o.id in paid or not latest) else o.value, "all"))
                elif latest and o.id not in paid:
                    mine.append((o.id, o.value, "last"))
                if latest:
                    paid.add(o.id)
        result.append((id, mine, matured))
    return result


@settings(max_examples=80, deadline=None)
@given(journals(), st.sampled_from(["last", "all"]))
def test_the_join_is_the_rules_read_out_plainly(chains, attribution):
    short = {name: [item for item in items if item[1] <= 190] for name, items in chains.items()}
    items, _ = play(short, iter([1, 2] * 30), attribution)
    assert summary([i for i in items if isinstance(i, JoinedDecision)]) == expected(short, attribution)
