"""Sums of parts are the sums of the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from simulator import ReplaySettings
from simulator.estimators import ESTIMATORS
from simulator.log import NO_TIME
from simulator.log_facts import LogFacts
from simulator.metric import metric_table
from simulator.policies import Constant, PolicyAnswer, Uniform
from simulator.replay import Replay
from simulator.sweep.hold_added import HoldAdded


def records(n=300):
    random = np.random.default_rng(3)
    for number in range(n):
        eligible = ["a", "b", "hold"][: 2 + number % 2]
        arm = eligible[int(random.integers(len(eligible)))]
        outcomes = [{"type": "click"}] if random.random() < (0.4 if arm == "a" else 0.1) else []
        outcomes += [{"type": "purchase", "value": float(random.lognormal())}] if random.random() < 0.1 else []
        yield {
            "decision_id": f"d{number}",
            "user": f"u{number % 60}",
            "arm": arm,
            "eligible": eligible,
            "propensity": 1 / len(eligible),
            "outcomes": outcomes,
            "context": {"visits": number % 5},
            "decided_at": f"2026-01-{1 + number // 15:02d}T00:00:00Z",
        }


class Later:
    """Judged on the later rows only."""

    spec = "later"
    refusal = "trained_on_these_rows"

    def answer(self, log):
        return replace(Uniform().answer(log), on_policy=False)

    def judges(self, log):
        return (log.decided_at != NO_TIME) & (log.decided_at > 1_768_000_000_000_000)

    def told(self, judged, left_out):
        return (f"{judged} and {left_out}",)


POLICIES = [Uniform(), Constant("a"), Later()]


@pytest.mark.parametrize("size", [300, 61, 7])
def test_a_replay_put_together_from_parts_is_the_replay_of_the_whole(log_of, size):
    log = log_of(records())
    facts = LogFacts.of(log, cluster=None, reward_max=None)
    metrics = [metric_table()[key] for key in ("revenue", "ctr", "cvr_per_click")]
    estimators = [ESTIMATORS[key] for key in ("dr", "snips", "ips", "switch_dr", "sndr")]
    settings = ReplaySettings(interval="bootstrap", resamples=100)
    whole = Replay(facts, POLICIES, metrics, estimators, settings, metrics[0]).reports()

    base = Replay(facts, [], metrics, estimators, settings, metrics[0])
    base.prepare()
    light = base.without_resamples()
    parts = [list(light.asking(POLICIES).partial_sums(chunk for chunk in log.chunks(size) if chunk.first == start))
             for start in range(0, log.rows, size)]  # fmt: skip
    together = base.asking(POLICIES)
    reports = together.reports_of(parts)
    for one, other in zip(whole, reports, strict=True):
        close(one.to_json(), other.to_json())
        assert one.notes == other.notes
    lift = together.lift("constant:a", metrics[0], estimators[0])
    assert lift.point == pytest.approx(whole[1].versus["logged"]["revenue"]["dr"].value, rel=1e-12)


def close(one, other):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            close(one[key], other[key])
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-12)
    else:
        assert one == other


def test_estimators_that_are_no_sums_are_refused(log_of):
    log = log_of(records(40))
    facts = LogFacts.of(log, cluster=None, reward_max=None)
    metric = metric_table()["ctr"]
    replay = Replay(facts, [], [metric], [ESTIMATORS["rejection"]], ReplaySettings(), metric)
    replay.prepare()
    with pytest.raises(InvalidInput, match="nothing but a reward model"):
        replay.asking([Uniform()]).partial_sums(log.chunks())


class Leaning:
    """Holds with probability ½, and shares the rest in proportion 1 : 2 : … among the arms after it."""

    spec = "leaning"

    def answer(self, log):
        hold = log.eligible == log.code("hold")
        assert (log.row_sums(hold * 1.0) == 1.0).all()
        weight = np.where(hold, 0.0, 1.0 + log.eligible)
        share = weight / np.repeat(log.row_sums(weight), log.lengths)
        return PolicyAnswer.everywhere(log, np.where(hold, 0.5, 0.5 * share))


def test_where_holding_was_not_to_be_had_a_policy_answers_given_that_it_does_not_hold(log_of):
    rows = [
        {"arm": "a", "eligible": ["a", "b"]},
        {"arm": "hold", "eligible": ["hold", "b"]},
        {"arm": "b", "eligible": ["a", "b"]},
    ]
    log = log_of(rows)
    answer = HoldAdded(Leaning()).answer(log)
    a, b = 1.0 + log.code("a"), 1.0 + log.code("b")
    expected = [a / (a + b), b / (a + b), 0.5, 0.5, a / (a + b), b / (a + b)]
    np.testing.assert_allclose(answer.probabilities, expected)
    strangers = log_of([rows[0], rows[2]])
    np.testing.assert_allclose(HoldAdded(Leaning()).answer(strangers).probabilities, [1 / 3, 2 / 3] * 2)
