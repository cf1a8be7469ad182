"""Policies made out of the logged one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from simulator import Log, ReplaySettings, evaluate
from simulator.policies import Constant, Holding, Logged, Repriced

DELTA = ReplaySettings(interval="delta")
ARMS = ["hold", "a/email/am", "b/sms/am"]
P = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1], [0.1, 0.0, 0.9]])


@pytest.fixture
def log(make_log: Callable[..., Log]) -> Log:
    return make_log(ARMS, P, np.array([1, 0, 2]), np.array([0, 1, 2]), {"click": np.array([1.0, 0.0, 1.0])})


def test_odds_of_the_channel_are_multiplied(log: Log) -> None:
    answer = Repriced("sms", float(np.log(2))).answer(log).probabilities.reshape(3, 3)
    assert answer[0] == pytest.approx(np.array([0.2, 0.5, 0.6]) / 1.3)
    assert answer[1] == pytest.approx(np.array([0.6, 0.3, 0.2]) / 1.1)
    assert answer[2] == pytest.approx(np.array([0.1, 0.0, 1.8]) / 1.9)
    assert Repriced("sms", 0.0).answer(log).probabilities == pytest.approx(P.ravel())
    assert Repriced("sms", -50.0).answer(log).probabilities.reshape(3, 3)[:, 2] == pytest.approx(0.0, abs=1e-18)
    assert Repriced("sms", 50.0).answer(log).probabilities.reshape(3, 3)[:, 2] == pytest.approx(1.0)


def test_answers_do_not_depend_on_how_rows_are_grouped(log: Log) -> None:
    policy = Repriced("email", 0.7)
    apart = [policy.answer(log.take(np.array([row]))).probabilities for row in range(3)]
    assert np.concatenate(apart) == pytest.approx(policy.answer(log).probabilities)


def test_a_share_is_held(log: Log) -> None:
    held = Holding(0.25, Constant("b/sms/am")).answer(log).probabilities.reshape(3, 3)
    assert held == pytest.approx(np.tile([0.25, 0.0, 0.75], (3, 1)))
    logged = Holding(0.5, Logged()).answer(log)
    assert not logged.on_policy
    assert logged.probabilities.reshape(3, 3)[0] == pytest.approx([0.6, 0.25, 0.15])


def test_where_hold_is_not_eligible_the_other_policy_plays(log_of: Callable[..., Log]) -> None:
    log = log_of(
        [{"arm": "a", "eligible": ["a", "b"]}, {"arm": "a", "eligible": ["a", "hold"]}],
    )
    answer = Holding(0.5, Constant("a")).answer(log)
    assert answer.probabilities == pytest.approx([1.0, 0.0, 0.5, 0.5])


def test_values_of_mixtures_lie_between(log: Log) -> None:
    """IPS is linear in the policy."""
    specs = ["constant:hold", "constant:b/sms/am", "holding:0.25:constant:b/sms/am"]
    report = evaluate(log, policies=specs, metrics=["ctr"], estimators=["ips"], settings=DELTA)
    hold, sms, mixed = (policy.metrics["ctr"].estimates["ips"].value or 0.0 for policy in report.policies)
    assert mixed == pytest.approx(0.25 * hold + 0.75 * sms)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("repriced:sms", "expected repriced:CHANNEL:STRENGTH"),
        ("repriced:sms:much", "expected repriced:CHANNEL:STRENGTH"),
        ("repriced:sms:60", "from -50 to 50"),
        ("repriced:fax:1", "use one of email, sms"),
        ("holding:2:uniform", "expected holding:SHARE:SPEC"),
        ("holding:0.5", "expected holding:SHARE:SPEC"),
        ("holding:0.5:unifrom", "expected one of"),
    ],
)
def test_bad_specs_name_the_remedy(spec: str, words: str, log: Log) -> None:
    with pytest.raises(InvalidInput, match=words):
        evaluate(log, policies=[spec], metrics=["ctr"], settings=DELTA)
