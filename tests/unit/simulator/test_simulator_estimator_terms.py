"""Every estimator by hand, at the ends of its grid, and between its bounds."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from simulator.arrays import FloatArray
from simulator.estimators import ESTIMATORS, Case, Need

CASE = Case(
    weight=np.array([2.0, 0.0, 4.0]),
    reward=np.array([1.0, 5.0, 0.5]),
    expected=np.array([0.7, 0.6, 0.5]),
    predicted=np.array([0.8, 0.1, 0.4]),
    marginal=np.array([1.5, 0.5, 2.0]),
    balanced=np.array([1.0, 0.25, 3.0]),
    accepted=np.array([1.0, 0.0, 1.0]),
)
#: Estimators that are DR with weights of their own.
CORRECTING = ("dr", "switch_dr", "dros", "sg_dr", "mrdr")
CUTTING = ("clipped_ips", "switch_dr", "dros", "sg_ips", "sg_dr")
PLAIN = [key for key in ESTIMATORS if ESTIMATORS[key].row_range(1.0, 0.0, 1.0) is not None]


def value_of(case: Case, key: str, parameter: float | None = None) -> float:
    estimator = ESTIMATORS[key]
    ratios = estimator.terms(case, estimator.grid[0] if parameter is None else parameter)
    return sum(
        float(r.numerator.sum() / (r.numerator.size if r.denominator is None else r.denominator.sum()))
        for r in ratios
        if not r.spread_only
    )


def test_keys_are_those_of_the_report() -> None:
    contract = "ips clipped_ips snips dm dr sndr switch_dr dros mrdr mips sg_ips sg_dr bipw rejection"
    assert list(ESTIMATORS) == contract.split()


@pytest.mark.parametrize(
    ("key", "parameter", "expected"),
    [
        ("clipped_ips", 3.0, (2 * 1 + 3 * 0.5) / 3),
        ("sndr", math.nan, 0.6 + (2 * 0.2 + 4 * 0.1) / 6),
        ("switch_dr", 2.0, 0.6 + (2 * 0.2) / 3),
        ("switch_dr", 1.9, 0.6),
        ("dros", 8.0, 0.6 + (8 * 2 / (4 + 8) * 0.2 + 8 * 4 / (16 + 8) * 0.1) / 3),
        ("mrdr", math.nan, 0.6 + (2 * 0.2 + 4 * 0.1) / 3),
        ("mips", math.nan, (1.5 * 1 + 0.5 * 5 + 2 * 0.5) / 3),
        ("sg_ips", 0.5, (2 / 1.5 * 1 + 4 / 2.5 * 0.5) / 3),
        ("sg_dr", 0.5, 0.6 + (2 / 1.5 * 0.2 + 4 / 2.5 * 0.1) / 3),
        ("bipw", math.inf, (1 * 1 + 0.25 * 5 + 3 * 0.5) / 4.25),
        ("bipw", 2.0, (1 * 1 + 0.25 * 5 + 2 * 0.5) / 3.25),
        ("rejection", math.nan, 0.75),
    ],
)
def test_by_hand(key: str, parameter: float, expected: float) -> None:
    assert value_of(CASE, key, parameter) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("key", "limit"),
    [("clipped_ips", "ips"), ("switch_dr", "dr"), ("dros", "dr"), ("sg_ips", "ips"), ("sg_dr", "dr")],
)
def test_the_grid_begins_with_no_cutting(key: str, limit: str) -> None:
    estimator = ESTIMATORS[key]
    assert value_of(CASE, key, estimator.grid[0]) == pytest.approx(value_of(CASE, limit), rel=1e-15)
    assert not estimator.omitted(CASE, estimator.grid[0]).any()


@pytest.mark.parametrize("key", ["switch_dr", "dros"])
def test_zero_is_the_direct_method(key: str) -> None:
    assert ESTIMATORS[key].grid[-1] == 0.0
    assert value_of(CASE, key, 0.0) == pytest.approx(value_of(CASE, "dm"))


def test_a_large_shrinkage_parameter_comes_near_dr() -> None:
    assert value_of(CASE, "dros", 1e12) == pytest.approx(value_of(CASE, "dr"), rel=1e-9)
    assert value_of(CASE, "sg_dr", 1e-12) == pytest.approx(value_of(CASE, "dr"), rel=1e-9)


@pytest.mark.parametrize("key", CUTTING)
def test_what_is_omitted_is_what_the_estimate_loses(key: str) -> None:
    estimator = ESTIMATORS[key]
    uncut = value_of(CASE, key, estimator.grid[0])
    for parameter in estimator.grid:
        lost = float(estimator.omitted(CASE, parameter).mean())
        assert value_of(CASE, key, parameter) == pytest.approx(uncut - lost, abs=1e-12)


@pytest.mark.parametrize("key", [key for key in ESTIMATORS if key not in CUTTING])
def test_others_omit_nothing(key: str) -> None:
    assert len(ESTIMATORS[key].grid) == 1
    assert not ESTIMATORS[key].omitted(CASE, ESTIMATORS[key].grid[0]).any()


@pytest.mark.parametrize("key", CUTTING)
def test_grids_cut_more_and_more(key: str) -> None:
    """The kept weight of a large weight falls along the grid."""
    one = np.ones(1)
    case = Case(weight=50.0 * one, reward=one, expected=0 * one, predicted=0 * one)
    kept = [1.0 - float(ESTIMATORS[key].omitted(case, parameter)[0]) / 50.0 for parameter in ESTIMATORS[key].grid]
    assert kept[0] == 1.0
    assert all(later <= earlier for earlier, later in pairwise(kept))
    assert kept[-1] <= 1.0 / 50.0 + 1e-12


@pytest.mark.parametrize("key", CORRECTING)
def test_with_a_perfect_model_correction_adds_nothing(key: str) -> None:
    perfect = Case(CASE.weight, CASE.reward, CASE.expected, CASE.reward)
    for parameter in ESTIMATORS[key].grid:
        assert value_of(perfect, key, parameter) == pytest.approx(value_of(perfect, "dm"))


@pytest.mark.parametrize("key", ["snips", "sndr", "bipw", "rejection"])
def test_normalised_estimators_move_with_a_constant(key: str) -> None:
    shifted = Case(
        CASE.weight,
        CASE.reward + 10,
        CASE.expected + 10,
        CASE.predicted + 10,
        CASE.marginal,
        CASE.balanced,
        CASE.accepted,
    )
    assert value_of(shifted, key) == pytest.approx(value_of(CASE, key) + 10)


@pytest.mark.parametrize("key", PLAIN)
@pytest.mark.parametrize(("weight_max", "low", "high"), [(20.0, 0.0, 1.0), (20.0, -3.0, 2.0), (0.5, -1.0, -0.25)])
def test_row_range_bounds_every_row(key: str, weight_max: float, low: float, high: float) -> None:
    """Tried on random rows and on all corners, where a bound that is wrong would show."""
    estimator = ESTIMATORS[key]
    bounds = estimator.row_range(weight_max, low, high)
    assert bounds is not None
    case = _corners_and_random(weight_max, low, high)
    reached: list[FloatArray] = []
    for parameter in estimator.grid:
        (ratio,) = estimator.terms(case, parameter)
        assert ratio.denominator is None
        reached.append(ratio.numerator)
    rows = np.concatenate(reached)
    assert rows.min() >= bounds[0] - 1e-12
    assert rows.max() <= bounds[1] + 1e-12
    # Not loose either: some row comes to each end.
    if weight_max >= 1.0:
        assert rows.min() == pytest.approx(bounds[0])
        assert rows.max() == pytest.approx(bounds[1])


def _corners_and_random(weight_max: float, low: float, high: float) -> Case:
    corners = np.array(np.meshgrid([0.0, weight_max], *[[low, high]] * 3)).reshape(4, -1)
    rng = np.random.default_rng(3)
    inside = np.vstack([rng.uniform(0, weight_max, 400), rng.uniform(low, high, (3, 400))])
    weight, reward, expected, predicted = np.hstack([corners, inside])
    return Case(weight, reward, expected, predicted, marginal=weight)


@pytest.mark.parametrize("key", [key for key in ESTIMATORS if key not in PLAIN])
def test_ratios_have_no_row_range(key: str) -> None:
    assert key in {"snips", "dm", "sndr", "bipw", "rejection"}


def test_needs() -> None:
    needs = {key: estimator.needs for key, estimator in ESTIMATORS.items() if estimator.needs}
    model = frozenset((Need.MODEL,))
    assert needs == {
        "dm": model,
        "dr": model,
        "sndr": model,
        "switch_dr": model,
        "dros": model,
        "sg_dr": model,
        "mrdr": frozenset((Need.MRDR_MODEL,)),
        "mips": frozenset((Need.MARGINAL,)),
        "bipw": frozenset((Need.BALANCED,)),
        "rejection": frozenset((Need.ACCEPTED,)),
    }
