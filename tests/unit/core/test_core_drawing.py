import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engine.core.drawing import SCALE, SEED_BITS, draw, quantise, reproduce
from engine.core.errors import ConfigError, InvalidInput
from engine.core.keyed_hash import Domain, KeyedHash

weights = st.lists(st.floats(0.0, 1.0) | st.floats(0.0, 1e-9), min_size=1, max_size=60).filter(lambda w: sum(w) > 1e-8)


@given(weights)
def test_counts_sum_exactly_and_keep_what_is_possible(raw: list[float]) -> None:
    row = np.array([raw]) / np.sum(raw)
    counts = quantise(row)[0]
    assert int(counts.sum()) == SCALE
    assert ((counts > 0) == (row[0] > 0)).all()
    assert np.abs(counts / SCALE - row[0]).max() <= (len(raw) + 1) / SCALE
    assert (np.float32(counts / SCALE).astype(np.float64) == counts / SCALE).all(), "exact in float32"


@given(weights, weights)
def test_rows_do_not_touch_each_other(one: list[float], two: list[float]) -> None:
    width = max(len(one), len(two))
    rows = np.zeros((2, width))
    rows[0, : len(one)] = np.array(one) / np.sum(one)
    rows[1, : len(two)] = np.array(two) / np.sum(two)
    together = quantise(rows)
    assert np.array_equal(together[0], quantise(rows[:1])[0])
    assert np.array_equal(together[1], quantise(rows[1:])[0])


@given(weights, st.integers(0, (1 << SEED_BITS) - 1))
def test_a_draw_is_possible_and_repeats(raw: list[float], seed: int) -> None:
    counts = quantise(np.array([raw]) / np.sum(raw))
    chosen = int(draw(counts, np.array([seed]))[0])
    assert counts[0, chosen] > 0
    assert reproduce(counts[0], seed) == chosen
    assert reproduce(counts[0].astype(np.uint32), seed) == chosen


def test_every_point_belongs_to_its_arm() -> None:
    counts = np.array([[3, 0, SCALE - 5, 2]])
    seeds = [point << (SEED_BITS - 24) for point in (0, 2, 3, SCALE - 3, SCALE - 2, SCALE - 1)]
    assert draw(np.repeat(counts, 6, axis=0), np.array(seeds)).tolist() == [0, 0, 2, 2, 3, 3]
    assert reproduce(counts[0], (1 << SEED_BITS) - 1) == 3


def test_frequencies_follow_probabilities() -> None:
    """Chi-square over 200,000 draws with seeds of the keyed hash, at a fixed key."""
    probabilities = np.array([0.5, 0.25, 0.15, 0.07, 0.02, 0.01])
    key = KeyedHash(b"a fixed test key")
    seeds = np.array([key.seed(Domain.DRAW, str(i)) for i in range(200_000)])
    counts = quantise(probabilities[None, :])
    chosen = draw(np.broadcast_to(counts, (len(seeds), 6)), seeds)
    observed = np.bincount(chosen, minlength=6)
    assert stats.chisquare(observed, counts[0] / SCALE * len(seeds)).pvalue > 0.001


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(InvalidInput, match="sum to"):
        reproduce(np.array([1, 2]), 0)
    for seed in (-1, 1 << SEED_BITS):
        with pytest.raises(InvalidInput, match="seed"):
            reproduce(np.array([SCALE]), seed)


@settings(max_examples=50)
@given(st.lists(st.text(max_size=8), min_size=1, max_size=4))
def test_parts_are_kept_apart(parts: list[str]) -> None:
    key = KeyedHash(b"0123456789abcdef")
    assert key.digest(Domain.USER, *parts) == key.digest(Domain.USER, *parts)
    assert key.digest(Domain.USER, *parts) != key.digest(Domain.USER, *parts, "")
    assert key.digest(Domain.USER, "ab", "c") != key.digest(Domain.USER, "a", "bc")


@pytest.mark.parametrize("one", list(Domain))
def test_domains_are_independent(one: Domain) -> None:
    """Ranks of the same names under two domains do not go together: |ρ| below four standard errors."""
    key = KeyedHash(b"0123456789abcdef")
    names = [f"user-{i}" for i in range(4_000)]
    mine = [key.share(one, name) for name in names]
    assert 0.0 <= min(mine) < max(mine) < 1.0
    assert stats.kstest(mine, "uniform").pvalue > 0.001
    for other in Domain:
        if other is not one:
            theirs = [key.share(other, name) for name in names]
            assert abs(stats.spearmanr(mine, theirs).statistic) < 4 / len(names) ** 0.5


def test_keys_matter_and_are_long_enough() -> None:
    assert KeyedHash(b"0" * 16).seed(Domain.DRAW, "x") != KeyedHash(b"1" * 16).seed(Domain.DRAW, "x")
    assert 0 <= KeyedHash(b"0" * 16).seed(Domain.DRAW, "x") < 1 << SEED_BITS
    for bad in (b"", b"0" * 15, b"0" * 65):
        with pytest.raises(ConfigError, match="16 to 64 bytes"):
            KeyedHash(bad)
