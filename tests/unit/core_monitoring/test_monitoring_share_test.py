"""Sample-ratio mismatch: levels that hold under the null however often one looks, and shifts that are found."""

from math import exp, inf, log

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from engine.core.monitoring import ShareTest

SHARES = (0.05, 0.0475, 0.9025)


def first_alarm(test: ShareTest, counts: np.ndarray) -> int:
    """Index of the first look that rejects; as many as there are looks where none does."""
    return next((i for i, row in enumerate(counts.tolist()) if test.rejects(row)), len(counts))


def test_evidence_of_two_units_by_hand() -> None:
    # Dirichlet(1, 1): the second unit's mixture probabilities are 1/2 for the first, 2/3 for its repeat.
    test = ShareTest((0.5, 0.5), 0.05, concentration=2.0)
    assert test.log_evidence((2, 0)) == pytest.approx(log((1 / 2 * 2 / 3) / 0.25))
    assert test.log_evidence((1, 1)) == pytest.approx(log((1 / 2 * 1 / 3) / 0.25))
    assert test.log_evidence((0, 0)) == pytest.approx(0.0)


def test_evidence_is_a_martingale() -> None:
    """Its mean over the next unit, under the null, is its value now."""
    test = ShareTest(SHARES, 0.01)
    now = (7, 3, 90)
    following = [exp(test.log_evidence([n + (i == j) for i, n in enumerate(now)])) for j in range(3)]
    assert float(np.dot(SHARES, following)) == pytest.approx(exp(test.log_evidence(now)), rel=1e-10)


def test_false_alarms_over_two_thousand_streams() -> None:
    generator = np.random.default_rng(1)
    looks = np.unique(np.geomspace(1, 100_000, 60).astype(int))
    test, streams = ShareTest(SHARES, 0.01), 2_000
    steps = np.diff(np.concatenate([[0], looks]))
    alarms = sum(
        first_alarm(test, np.cumsum(generator.multinomial(steps, SHARES), axis=0)) < len(looks) for _ in range(streams)
    )
    assert alarms <= 0.01 * streams, f"{alarms} of {streams} streams under the null"
    assert ShareTest(SHARES, 0.9).rejects((1_000, 10, 10)), "and it is no test that never rejects"


def test_a_lost_fifth_of_the_holdout_is_found() -> None:
    generator, test = np.random.default_rng(2), ShareTest(SHARES, 0.001)
    steps = np.full(100, 500)
    found = [
        500 * (1 + first_alarm(test, np.cumsum(generator.multinomial(steps, (0.04, 0.0475, 0.9125)), axis=0)))
        for _ in range(200)
    ]
    assert np.median(found) < 12_000
    assert np.quantile(found, 0.9) < 20_000


def test_a_unit_in_a_group_of_share_zero_is_certain_evidence() -> None:
    test = ShareTest((0.0, 1.0), 0.001)
    assert test.log_evidence((1, 5)) == inf
    assert test.log_evidence((0, 5_000)) == pytest.approx(0.0)


@pytest.mark.parametrize(("shares", "level"), [((0.5, 0.6), 0.01), ((-0.1, 1.1), 0.01), ((0.5, 0.5), 1.0)])
def test_refuses_what_is_no_null(shares: tuple[float, ...], level: float) -> None:
    with pytest.raises(InvalidInput):
        ShareTest(shares, level)
