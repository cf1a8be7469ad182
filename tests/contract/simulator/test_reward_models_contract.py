"""What every reward model must do, whichever it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pytest

from simulator import Log, LogBuilder, ReplaySettings, evaluate
from simulator.arrays import FloatArray, IntArray
from simulator.log_facts import LogFacts
from simulator.reward_models import MODELS, ModelRows

ARMS = ["a", "b", "c"]
#: P(click | x, arm) for x = 0 and 1; the arms change places.
CHANCE = np.array([[0.1, 0.3, 0.5], [0.5, 0.2, 0.1]])
FOLDS = 4
DEALT = {fold: tuple(other for other in range(FOLDS) if other != fold) for fold in range(FOLDS)}

pytestmark = pytest.mark.parametrize("key", list(MODELS))


def log_of(records: Iterable[Mapping[str, Any]]) -> Log:
    builder = LogBuilder("memory")
    for line, record in enumerate(records, start=1):
        filled = {"decision_id": f"d{line}", "outcomes": [], "eligible": ARMS, "propensity": 1 / 3}
        builder.append({**filled, **record}, line)
    return builder.build()


def drawn(rows: int, seed: int = 0, arms: int = 3) -> tuple[list[dict[str, Any]], IntArray, FloatArray]:
    """Records, the context of each, and money of known mean: 10 × chance + 5, with noise."""
    random = np.random.default_rng(seed)
    x, arm = random.integers(2, size=rows), random.integers(arms, size=rows)
    click = random.random(rows) < CHANCE[x, arm]
    money = 10 * CHANCE[x, arm] + 5 + random.normal(0, 0.5, rows)
    records = [
        {
            "arm": ARMS[arm[n]],
            "context": {"x": int(x[n])},
            "outcomes": [{"type": "click"}] if click[n] else [],
            "decided_at": f"2026-01-{1 + 28 * n // rows:02d}T00:00:00Z",
        }
        for n in range(rows)
    ]
    return records, x, np.column_stack((click.astype(np.float64), money))


def predicted(
    key: str,
    log: Log,
    rewards: FloatArray,
    *,
    weight: FloatArray | None = None,
    fold: IntArray | None = None,
    training: Mapping[int, tuple[int, ...]] = DEALT,
    chunk: int = 10_000,
) -> FloatArray:
    """Predictions for all eligible arms, shape (q, m)."""
    facts = LogFacts.of(log, cluster=None, reward_max=None)
    model = MODELS[key](facts, FOLDS)
    fold = np.arange(log.rows) % FOLDS if fold is None else fold
    weight = np.ones(log.rows) if weight is None else weight
    x, arm = facts.features.encode(log), log.arm.astype(np.int64)
    for start in range(0, log.rows, chunk):
        own = slice(start, start + chunk)
        model.add(ModelRows(x[own], arm[own], rewards[own], weight[own], fold[own]))
    return model.fit(training).predict(x, fold, log)


def test_it_learns_a_known_truth(key: str) -> None:
    records, x, rewards = drawn(4_000)
    found = predicted(key, log_of(records), rewards).reshape(2, -1, 3)
    errors = {
        "share": found[0] - CHANCE[x],
        "money": found[1] - (10 * CHANCE[x] + 5),
    }
    assert np.sqrt(np.mean(errors["share"] ** 2)) < 0.045, "the chances themselves spread by .17"
    assert np.sqrt(np.mean(errors["money"] ** 2)) < 0.2, "the means themselves spread by 1.7"
    assert np.abs(errors["share"].mean(axis=0)).max() < 0.03


def test_a_row_never_sees_its_own_fold(key: str) -> None:
    records, _, rewards = drawn(1_600)
    log = log_of(records)
    changed = rewards.copy()
    held = np.arange(log.rows) % FOLDS == 1
    changed[held] = 3.0 - changed[held]
    before, after = predicted(key, log, rewards), predicted(key, log, changed)
    flat = np.repeat(held, 3)
    assert np.array_equal(before[:, flat], after[:, flat])
    assert not np.allclose(before[:, ~flat], after[:, ~flat], atol=1e-3)


def test_chunks_make_no_difference(key: str) -> None:
    records, _, rewards = drawn(1_200)
    log = log_of(records)
    assert np.allclose(predicted(key, log, rewards), predicted(key, log, rewards, chunk=77), atol=1e-8)


def test_counts_weigh_as_rows(key: str) -> None:
    records, _, rewards = drawn(1_500)
    counts = 1 + np.arange(1_500) % 3
    long = log_of(record for record, times in zip(records, counts, strict=True) for _ in range(times))
    fold = np.arange(1_500) % FOLDS
    short = predicted(key, log_of(records), rewards, weight=counts.astype(float), fold=fold)
    full = predicted(key, long, np.repeat(rewards, counts, axis=0), fold=np.repeat(fold, counts))
    first = np.concatenate(([0], np.cumsum(counts)[:-1]))
    once = full.reshape(2, -1, 3)[:, first]
    spread = np.array([[[0.17]], [[1.7]]])
    gap = np.abs(short.reshape(2, -1, 3) - once) / spread
    # Trees stop, and rows are shuffled, by numbers of rows; the sums of linear models agree to the ridge's scale.
    assert gap.max() < {"ridge": 0.01, "logistic": 0.01, "boosting": 0.4, "vw": 0.4}[key]


def test_a_row_that_counts_much_is_believed(key: str) -> None:
    records, _, _ = drawn(1_000)
    alike = np.zeros((1_000, 1))
    alike[::2] = 1.0
    weight = np.where(alike[:, 0] == 1.0, 9.0, 1.0)
    found = predicted(key, log_of(records), alike, weight=weight, fold=np.arange(1_000) // 2 % FOLDS)
    assert found.mean() == pytest.approx(0.9, abs=0.03)


def test_arms_that_differ_from_row_to_row_are_predicted_alike(key: str) -> None:
    records, _, rewards = drawn(1_200)
    common = predicted(key, log_of(records), rewards).reshape(2, -1, 3)
    turned = log_of({**record, "eligible": ARMS[::-1] if n % 7 == 3 else ARMS} for n, record in enumerate(records))
    assert turned.common_eligible is None
    found = predicted(key, turned, rewards).reshape(2, -1, 3)
    found[:, 3::7] = found[:, 3::7, ::-1]
    assert np.allclose(found, common, atol=1e-8)


def test_an_arm_never_played_is_predicted_within_the_range_seen(key: str) -> None:
    records, _, rewards = drawn(1_200, arms=2)
    found = predicted(key, log_of(records), rewards).reshape(2, -1, 3)
    assert np.isfinite(found).all()
    never = found[:, :, 2]
    assert np.all((never >= rewards.min(axis=0)[:, None]) & (never <= rewards.max(axis=0)[:, None]))
    assert abs(never[0].mean() - rewards[:, 0].mean()) < 0.15


def test_labels_of_a_single_class(key: str) -> None:
    records, _, _ = drawn(400)
    nothing = np.column_stack((np.zeros(400), np.ones(400)))
    found = predicted(key, log_of(records), nothing)
    assert np.allclose(found[0], 0.0, atol=1e-6)
    assert np.allclose(found[1], 1.0, atol=1e-6)


def test_a_fold_without_rows_to_learn_from_is_predicted_as_zero(key: str) -> None:
    records, _, rewards = drawn(800)
    past = {0: (), 1: (0,), 2: (0, 1), 3: (0, 1, 2)}
    fold = np.arange(800) // 200
    found = predicted(key, log_of(records), rewards, fold=fold, training=past)
    first = np.repeat(fold == 0, 3)
    assert not found[:, first].any()
    assert found[:, ~first].all()


def test_rows_of_no_weight_teach_nothing(key: str) -> None:
    records, _, rewards = drawn(1_200)
    log, weight = log_of(records), (np.arange(1_200) % 3 > 0).astype(float)
    wrong = np.where(weight[:, None] == 0, 50.0, rewards)
    assert np.allclose(
        predicted(key, log, rewards, weight=weight), predicted(key, log, wrong, weight=weight), atol=1e-8
    )
    assert not predicted(key, log, rewards, weight=np.zeros(1_200)).any()


def test_without_context_arms_have_levels(key: str) -> None:
    records, _, rewards = drawn(2_400)
    found = predicted(key, log_of({**record, "context": {}} for record in records), rewards).reshape(2, -1, 3)
    assert np.abs(found[0] - CHANCE.mean(axis=0)).max() < 0.08


def test_dr_with_it_is_unbiased(key: str) -> None:
    """Many fresh samples, all predicted by models of one other sample: their mean must hit the truth."""
    learn, fresh, size = 1_200, 300, 60
    records, x, rewards = drawn(learn + fresh * size, seed=5)
    log = log_of(records)
    fold = np.where(np.arange(log.rows) < learn, 0, 1)
    found = predicted(key, log, rewards[:, :1], fold=fold, training={0: (1,), 1: (0,)})[0].reshape(-1, 3)[learn:]
    policy = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    x, arm, reward = x[learn:], log.arm[learn:], rewards[learn:, 0]
    own = policy[x]
    row = np.arange(x.size)
    terms = (own * found).sum(axis=1) + 3 * own[row, arm] * (reward - found[row, arm])
    values = terms.reshape(fresh, size).mean(axis=1)
    truth = float((policy * CHANCE).sum(axis=1).mean())
    assert abs(values.mean() - truth) < 4 * values.std() / fresh**0.5


def test_a_replay_with_it_finds_the_truth(key: str) -> None:
    records, _, _ = drawn(3_000, seed=7)
    log = log_of({**record, "user": f"u{n // 2}"} for n, record in enumerate(records))
    for fit in ("users", "past"):
        settings = ReplaySettings(model=key, fit=fit, level=0.999, interval="delta")
        report = evaluate(log, policies=["constant:a"], metrics=["ctr"], estimators=["dr", "mrdr"], settings=settings)
        for name, found in report.policies[0].metrics["ctr"].estimates.items():
            assert found.low is not None, (fit, name)
            assert found.high is not None
            assert found.low < 0.3 < found.high
            assert found.high - found.low < 0.14
