"""Every rule of exploration that there is keeps the same contract; then each by hand."""

import inspect
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import exploration
from engine.core.errors import ConfigError
from engine.core.exploration import (
    Constant,
    EpsilonGreedy,
    ExplorationOptions,
    Explorer,
    Floor,
    Softmax,
    SquareCB,
    Uniform,
)
from engine.core.policy import ModelPolicy

EXAMPLES: dict[type, Callable[[], Explorer]] = {
    Constant: lambda: Constant(2),
    EpsilonGreedy: lambda: EpsilonGreedy(0.1),
    Softmax: lambda: Softmax(2.0),
    SquareCB: lambda: SquareCB(10.0, 0.5),
    Uniform: Uniform,
}


def discovered() -> list[type]:
    members = [getattr(exploration, name) for name in exploration.__all__]
    return [m for m in members if inspect.isclass(m) and hasattr(m, "probabilities") and m is not Explorer]


def test_every_rule_is_under_contract() -> None:
    assert set(discovered()) == set(EXAMPLES), "a new rule needs an example here"


@pytest.fixture(params=discovered(), ids=lambda kind: kind.__name__)
def explorer(request: pytest.FixtureRequest) -> Explorer:
    return EXAMPLES[request.param]()


def situations(count: int, arms: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    eligible = generator.random((count, arms)) < 0.6
    eligible[:, 0] = True
    return generator.normal(size=(count, arms)), eligible


@pytest.mark.parametrize("t", [0, 1, 1_000_000])
def test_is_a_distribution_over_the_eligible(explorer: Explorer, t: int) -> None:
    costs, eligible = situations(200, 9)
    result = explorer.probabilities(costs, eligible, t)
    assert result.shape == costs.shape
    assert (result >= 0).all()
    assert (result[~eligible] == 0).all()
    assert np.allclose(result.sum(axis=1), 1.0, atol=1e-12)


def test_leaves_its_inputs_alone(explorer: Explorer) -> None:
    costs, eligible = situations(20, 6)
    before = costs.copy(), eligible.copy()
    explorer.probabilities(costs, eligible, 50)
    assert np.array_equal(before[0], costs)
    assert np.array_equal(before[1], eligible)


@pytest.mark.parametrize("size", [1, 3, 8, 33])
def test_same_bits_alone_and_in_a_batch(explorer: Explorer, size: int) -> None:
    costs, eligible = situations(66, 7)
    alone = np.vstack([explorer.probabilities(costs[i : i + 1], eligible[i : i + 1], 77) for i in range(66)])
    parts = [explorer.probabilities(costs[i : i + size], eligible[i : i + size], 77) for i in range(0, 66, size)]
    assert np.vstack(parts).tobytes() == alone.tobytes()


def test_permuting_arms_permutes_probabilities(explorer: Explorer) -> None:
    """All but `hold`, which is column 0 by contract; a constant arm is meant by its column, so it moves along."""
    costs, eligible = situations(50, 8)
    order = np.concatenate([[0], 1 + np.random.default_rng(2).permutation(7)])
    expected = explorer.probabilities(costs, eligible, 100)[:, order]
    moved = Constant(int(np.flatnonzero(order == 2)[0])) if isinstance(explorer, Constant) else explorer
    assert np.allclose(moved.probabilities(costs[:, order], eligible[:, order], 100), expected, atol=1e-12)


def test_new_and_vanished_arms(explorer: Explorer) -> None:
    """What an arm costs that may not be sent has no part in the result."""
    costs, eligible = situations(40, 6)
    without = explorer.probabilities(costs, eligible, 9)
    more_costs = np.hstack([costs, np.full((40, 2), -1e9)])
    more = np.hstack([eligible, np.zeros((40, 2), dtype=bool)])
    wider = explorer.probabilities(more_costs, more, 9)
    assert np.allclose(wider[:, :6], without, atol=1e-12)
    assert (wider[:, 6:] == 0).all()
    only_hold = np.zeros((3, 6), dtype=bool)
    only_hold[:, 0] = True
    assert explorer.probabilities(costs[:3], only_hold, 9)[:, 0].tolist() == [1.0, 1.0, 1.0]


ALL = np.ones((1, 4), dtype=bool)
COSTS = np.array([[0.3, 0.1, 0.5, 0.2]])


def test_uniform_by_hand() -> None:
    eligible = np.array([[True, False, True, False]])
    assert Uniform().probabilities(COSTS, eligible, 5).tolist() == [[0.5, 0.0, 0.5, 0.0]]


def test_constant_falls_back_to_hold() -> None:
    eligible = np.array([[True, True, True, True], [True, True, False, True]])
    result = Constant(2).probabilities(np.zeros((2, 4)), eligible, 0)
    assert result.tolist() == [[0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0]]


def test_epsilon_greedy_by_hand() -> None:
    result = EpsilonGreedy(0.2).probabilities(COSTS, ALL, 5)
    assert result[0] == pytest.approx([0.05, 0.85, 0.05, 0.05])
    tied = EpsilonGreedy(0.2).probabilities(np.zeros((1, 4)), ALL, 5)
    assert tied[0] == pytest.approx([0.25] * 4), "equals share the best arm's part"
    eligible = np.array([[True, False, True, True]])
    two = EpsilonGreedy(0.3).probabilities(np.array([[0.2, 0.0, 0.2, 0.9]]), eligible, 5)
    assert two[0] == pytest.approx([0.45, 0.0, 0.45, 0.1])


def test_softmax_by_hand() -> None:
    costs = np.log(np.array([[1.0, 2.0, 4.0, 8.0]]))
    # exp(−ln c) = 1/c: weights 1, 1/2, 1/4, 1/8 over 15/8.
    assert Softmax(1.0).probabilities(costs, ALL, 0)[0] == pytest.approx([8 / 15, 4 / 15, 2 / 15, 1 / 15])
    assert Softmax(0.0).probabilities(costs, ALL, 0)[0] == pytest.approx([0.25] * 4)
    huge = Softmax(1.0).probabilities(np.array([[1e4, -1e4, 0.0, 0.0]]), ALL, 0)
    assert huge[0].tolist() == [0.0, 1.0, 0.0, 0.0], "no overflow"


def test_squarecb_by_hand() -> None:
    # γ = 10 · √4 = 20; gaps .2, 0, .4, .1 → 1/(4 + 4), the rest, 1/(4 + 8), 1/(4 + 2).
    result = SquareCB(10.0, 0.5).probabilities(COSTS, ALL, 4)
    assert result[0] == pytest.approx([1 / 8, 1 - 1 / 8 - 1 / 12 - 1 / 6, 1 / 12, 1 / 6])
    assert SquareCB().probabilities(COSTS, ALL, 0)[0] == pytest.approx([0.25] * 4), "nothing learned yet"
    assert SquareCB().gamma(400) == 200.0


def test_squarecb_at_the_scale_of_contracts() -> None:
    """K = 30, a gap of .01 for all others, t = 20,000, γ = 10·√t: the best arm gets only p ≈ .21 … of .0333."""
    costs = np.full((1, 30), 0.01)
    costs[0, 7] = 0.0
    result = SquareCB().probabilities(costs, np.ones((1, 30), dtype=bool), 20_000)
    gamma = 10 * 20_000**0.5
    assert result[0, 7] == pytest.approx(1 - 29 / (30 + gamma * 0.01))
    greedy = SquareCB().probabilities(costs * 100, np.ones((1, 30), dtype=bool), 20_000)
    assert greedy[0, 7] > 0.97, "gaps a hundred times larger make it greedy"


@pytest.mark.parametrize(
    "bad",
    [
        lambda: EpsilonGreedy(1.1),
        lambda: EpsilonGreedy(-0.1),
        lambda: Softmax(-1.0),
        lambda: Softmax(float("inf")),
        lambda: SquareCB(-1.0),
        lambda: SquareCB(1.0, 1.5),
        lambda: Floor(0.0),
        lambda: Floor(1.1),
        lambda: Floor(0.05, 0.06),
        lambda: Floor(0.05, 0.05),
        lambda: Floor(0.05, 0.0),
        lambda: ExplorationOptions(kind="constant"),
        lambda: ExplorationOptions(kind="epsilon_greedy", epsilon=float("nan")),
    ],
)
def test_parameters_out_of_range(bad: Callable[[], object]) -> None:
    with pytest.raises(ConfigError):
        bad()


@pytest.mark.parametrize(
    ("options", "kind", "label"),
    [
        (ExplorationOptions(kind="uniform"), Uniform, "uniform"),
        (ExplorationOptions(kind="epsilon_greedy", epsilon=0.1), EpsilonGreedy, "epsilon_greedy(0.1)"),
        (ExplorationOptions(kind="softmax", lambda_=3.0), Softmax, "softmax(3)"),
        (ExplorationOptions(), SquareCB, "squarecb(30,0.5)"),
        (ExplorationOptions(kind="constant", arm="a/b/c"), Constant, "constant(a/b/c)"),
    ],
)
def test_options_build_their_rule(options: ExplorationOptions, kind: type, label: str) -> None:
    assert isinstance(options.explorer({"a/b/c": 3}), kind)
    assert options.label == label


def test_floor_by_hand() -> None:
    """Hold, a cell of two arms and a cell of one: total .06, three open cells of .02."""
    cells = np.array([0, 1, 1, 2])
    shares = Floor(0.06, 0.01).shares(ALL, cells)
    assert shares[0] == pytest.approx([0.02, 0.01, 0.01, 0.02])
    eligible = np.array([[True, True, False, False], [True, False, False, False], [True, True, True, False]])
    shares = Floor(0.06, 0.01).shares(eligible, cells)
    assert shares[0] == pytest.approx([0.03, 0.03, 0.0, 0.0])
    assert shares[1] == pytest.approx([0.06, 0.0, 0.0, 0.0]), "where only hold is open it takes all"
    assert shares[2] == pytest.approx([0.03, 0.015, 0.015, 0.0])


def test_hold_keeps_its_minimum() -> None:
    """Nine cells and hold: an equal share would be .005, hold keeps .01 and the others share the rest."""
    cells = np.arange(10)
    shares = Floor(0.05, 0.01).shares(np.ones((1, 10), dtype=bool), cells)
    assert shares[0, 0] == pytest.approx(0.01)
    assert shares[0, 1:] == pytest.approx([0.04 / 9] * 9)


@given(
    seed=st.integers(0, 10_000),
    total=st.floats(0.01, 1.0),
    part=st.floats(0.01, 0.99),
    arms=st.integers(1, 40),
    cells=st.integers(1, 6),
)
def test_floor_is_kept_under_every_policy(seed: int, total: float, part: float, arms: int, cells: int) -> None:
    generator = np.random.default_rng(seed)
    eligible = generator.random((5, arms + 1)) < 0.5
    eligible[:, 0] = True
    of_arm = np.concatenate([[0], generator.integers(1, cells + 1, size=arms)])
    floor = Floor(total, total * part)
    own = EpsilonGreedy(0.0).probabilities(generator.normal(size=eligible.shape), eligible, 0)
    shares = floor.shares(eligible, of_arm)
    mixed = floor.mix(own, eligible, of_arm)
    assert np.allclose(shares.sum(axis=1), total)
    assert np.allclose(mixed.sum(axis=1), 1.0)
    assert (mixed >= shares - 1e-15).all()
    assert (shares[eligible] > 0).all()
    assert (mixed[~eligible] == 0).all()
    assert (shares[:, 0] >= floor.hold - 1e-12).all()


class Costs:
    """A model that costs what it is given."""

    def costs(self, rows: np.ndarray) -> np.ndarray:
        return rows.astype(np.float64)


def test_policy_sees_gaps_in_typical_units_and_keeps_the_floor() -> None:
    policy = ModelPolicy("squarecb", Costs(), SquareCB(), Floor(0.04, 0.01), np.array([0, 1, 1, 2]), 0.1, 4)
    own = SquareCB().probabilities(COSTS.astype(np.float32) / 0.1, ALL, 4)
    expected = 0.96 * own[0] + np.array([0.04 / 3, 0.02 / 3, 0.02 / 3, 0.04 / 3])
    assert policy.probabilities(COSTS.astype(np.float32), ALL)[0] == pytest.approx(expected)


def test_the_floor_over_many_arms_is_what_it_is_over_few():
    rng = np.random.default_rng(8)
    cells = np.array([0, *rng.integers(1, 7, size=400)])
    eligible = rng.random((5, 401)) < 0.3
    eligible[:, 0] = True
    eligible[2, cells == 3] = False
    shares = Floor().shares(eligible, cells)
    assert np.allclose(shares.sum(axis=1), 0.05)
    for row, mask in zip(shares, eligible, strict=True):
        open_cells = len(set(cells[mask]))
        hold = max(0.05 / open_cells, 0.01)
        assert row[0] == pytest.approx(hold)
        for arm in np.flatnonzero(mask)[1:]:
            in_cell = int((cells[mask] == cells[arm]).sum())
            assert row[arm] == pytest.approx((0.05 - hold) / (open_cells - 1) / in_cell)
        assert not row[~mask].any()
