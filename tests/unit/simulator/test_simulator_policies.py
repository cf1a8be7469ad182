from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from simulator import Log, ReplaySettings, evaluate
from simulator.clusters import Clusters
from simulator.log_facts import LogFacts
from simulator.policies import (
    BestConstant,
    Constant,
    LearningTask,
    Logged,
    PolicySetting,
    PythonObject,
    Uniform,
    parse_policy,
)
from simulator.split import Split

MakeLog = Callable[..., Log]


def facts_of(log: Log) -> LogFacts:
    return LogFacts.of(log, cluster=None, reward_max=None)


@pytest.fixture
def log(log_of: MakeLog) -> Log:
    """Rows where b is not eligible, hold is, and neither is."""
    return log_of(
        [
            {"arm": "a", "eligible": ["a", "b", "hold"], "propensity": 0.2, "probabilities": [0.2, 0.5, 0.3]},
            {"arm": "hold", "eligible": ["hold", "a"]},
            {"arm": "c", "eligible": ["a", "c"]},
        ]
    )


def test_uniform_and_logged(log: Log) -> None:
    assert Uniform().answer(log).probabilities == pytest.approx([1 / 3] * 3 + [0.5] * 4)
    logged = Logged().answer(log)
    assert logged.on_policy
    assert logged.probabilities[log.chosen_at] == pytest.approx(log.propensity)


def test_constant_falls_back_to_hold_then_uniform(log: Log) -> None:
    answer = Constant("b").answer(log)
    assert answer.probabilities.tolist() == [0, 1, 0, 1, 0, 0.5, 0.5]
    assert answer.fallback.tolist() == [False, True, True]


def test_fallback_share_is_reported(log: Log) -> None:
    report = evaluate(log, policies=["constant:b"], settings=ReplaySettings(resamples=100))
    assert report.policies[0].fallback_share == pytest.approx(2 / 3)


def test_best_constant_does_not_judge_where_it_chose(log_of: MakeLog) -> None:
    """Pure noise over many arms: the luckiest arm of a fold is worth no more than the mean on the other."""
    random = np.random.default_rng(8)
    arms = [f"a{n}" for n in range(20)]

    def noise() -> Log:
        return log_of(
            {
                "arm": arms[n % 20],
                "eligible": arms,
                "propensity": 1 / 20,
                "user": f"u{n}",
                "outcomes": [{"type": "click"}] * int(random.random() < 0.3),
            }
            for n in range(1500)
        )

    values = []
    for _ in range(20):
        report = evaluate(
            noise(),
            policies=["best_constant"],
            metrics=["ctr"],
            estimators=["snips"],
            settings=ReplaySettings(interval="delta"),
        )
        values.append(report.policies[0].metrics["ctr"].estimates["snips"].value or 0.0)
    assert np.mean(values) == pytest.approx(0.3, abs=0.04)


def test_best_constant_finds_the_best_with_all_arms_at_once(log_of: MakeLog) -> None:
    """Its vectorised choice is that of valuing every constant policy one by one."""
    random = np.random.default_rng(4)
    records = []
    for n in range(3000):
        eligible = [["a", "b", "hold"], ["b", "c", "hold"], ["a", "c"]][n % 3]
        arm = eligible[int(random.integers(len(eligible)))]
        click = random.random() < {"a": 0.2, "b": 0.3, "c": 0.15, "hold": 0.1}[arm]
        records.append(
            {
                "arm": arm,
                "eligible": eligible,
                "propensity": 1 / len(eligible),
                "outcomes": [{"type": "click"}] * int(click),
            }
        )
    log = log_of(records)
    reward = log.outcomes.occurred("click", log.rows)
    everything = np.ones(log.rows, dtype=bool)

    def snips(arm: str) -> float:
        weight = Constant(arm).answer(log).probabilities[log.chosen_at] / log.propensity
        return float((weight * reward).sum() / weight.sum())

    best = max(log.arms, key=snips)
    policy = BestConstant(lambda chunk: reward[chunk.place], ((everything, everything),))
    for chunk in log.chunks(700):
        policy.observe(chunk)
    assert best in policy.settle()[0]
    answer = policy.answer(log)
    assert answer.probabilities.tolist() == Constant(best).answer(log).probabilities.tolist()


def test_specs(log: Log) -> None:
    setting = PolicySetting(
        lambda chunk: np.zeros(chunk.rows),
        Split.of(facts_of(log), "user", delay_us=0, seed=0).folds,
        lambda: LearningTask("ctr", lambda chunk: chunk.outcomes.occurred("click", chunk.rows), ("click",)),
    )
    plain = ("logged", "uniform", "best_constant", "constant:a", "file:x", "python:a:b", "snapshot:x")
    for spec in (*plain, "repriced:sms:0.5", "holding:0.25:best_constant"):
        assert parse_policy(spec, setting).spec == spec
    for spec in ("", "constant", "constant:", "vw", "vw:", "vw:--cb_explor_adf", "vw:-q UV", "python:a", "Logged"):
        with pytest.raises(InvalidInput, match="expected"):
            parse_policy(spec, setting)


def test_folds_keep_users_whole_and_seeds_differ(log_of: MakeLog) -> None:
    log = log_of({"arm": "a", "user": f"u{n % 50}"} for n in range(400))
    clusters = Clusters.of(log)
    folds = clusters.folds(2, 0, "choose")
    for user in range(50):
        assert len(set(folds[log.user == user])) == 1
    assert 0.3 < folds.mean() < 0.7
    assert (clusters.folds(2, 1, "choose") != folds).any()
    assert (clusters.folds(2, 0, "reward-model") != folds).any()


def test_split_by_share_and_time(log_of: MakeLog) -> None:
    log = log_of(
        {"arm": "a", "user": f"u{n}", "decided_at": f"2025-03-{10 - n:02d}T00:00:00Z", "count": 1 + (n == 0)}
        for n in range(9)
    )
    facts = facts_of(log)
    half = Split.of(facts, "0.5", delay_us=0, seed=0)
    assert half.judged.tolist() == [n < 4 for n in range(9)], "five early decisions choose; the late row counts twice"
    later = Split.of(facts, "2025-03-08T00:00:00Z", delay_us=2 * 86_400_000_000, seed=0)
    choose, judge = later.folds[0]
    assert judge.tolist() == [n <= 2 for n in range(9)]
    assert choose.tolist() == [n >= 4 for n in range(9)], "the two days before the split were not complete by then"


@pytest.mark.parametrize("body", ["1 / 0", "def broken(:"])
def test_a_module_that_fails_on_import_is_the_callers_to_fix(
    body: str, log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"broken_policy_{len(body)}"
    (tmp_path / f"{name}.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InvalidInput, match=r"importable callable, got (ZeroDivisionError|SyntaxError)"):
        PythonObject(name, "policy").answer(log)
