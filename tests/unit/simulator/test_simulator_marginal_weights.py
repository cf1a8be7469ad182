from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from simulator import Log
from simulator.arm_embedding import ArmEmbedding
from simulator.arrays import FloatArray
from simulator.marginal_weights import marginal_weights
from simulator.metric import UndefinedMetric
from simulator.mrdr_weights import mrdr_weights
from simulator.policies.uniform import uniform_probabilities

ARMS = ("hold", "a/mail/am", "b/mail/am", "c/mail/pm", "d/push/pm")


def random_log(log_of: Callable[..., Log], rows: int = 300) -> tuple[Log, FloatArray]:
    """Rows with eligible sets of their own, and a policy's random probabilities."""
    random = np.random.default_rng(7)
    records, policy = [], []
    for row in range(rows):
        eligible = list(random.permutation(ARMS)[: random.integers(1, len(ARMS) + 1)])
        p = random.dirichlet(np.ones(len(eligible)))
        chosen = int(random.choice(len(eligible), p=p))
        records.append(
            {
                "arm": eligible[chosen],
                "propensity": float(p[chosen]),
                "probabilities": [float(one) for one in p],
                "eligible": [str(arm) for arm in eligible],
                "user": f"u{row}",
                "arms": {"a/mail/am": {"features": {"O^kind=percent": 1.0, "V^category=soap": 1.0}}} if not row else {},
            }
        )
        policy.append(random.dirichlet(np.ones(len(eligible))))
    return log_of(records), np.concatenate(policy)


def test_an_embedding_for_each_arm_gives_the_weights_of_ips(log_of: Callable[..., Log]) -> None:
    log, policy = random_log(log_of)
    weights = marginal_weights(log, policy, ArmEmbedding.each(log))
    np.testing.assert_array_equal(weights, policy[log.chosen_at] / log.propensity)


def test_marginal_weights_equal_the_sums_they_are(log_of: Callable[..., Log]) -> None:
    log, policy = random_log(log_of)
    embedding = ArmEmbedding.by_factors(log, ("channel", "slot"))
    for row, weight in enumerate(marginal_weights(log, policy, embedding)):
        places = range(log.offsets[row], log.offsets[row + 1])
        cells = {place: log.arms[log.eligible[place]].partition("/")[2] for place in places}
        own = cells[int(log.chosen_at[row])]
        alike = [place for place in places if cells[place] == own]
        logged = sum(float(log.probabilities[place]) for place in alike)
        assert weight == pytest.approx(sum(policy[place] for place in alike) / logged)


def test_weights_have_mean_one_under_the_log(log_of: Callable[..., Log]) -> None:
    """Σₐ p(a | x) w(x, e(a)) = 1: a weight that grouped numerator and denominator differently would not."""
    log, policy = random_log(log_of, rows=100)
    embedding = ArmEmbedding.by_factors(log, ("channel", "slot"))
    for row in range(log.rows):
        total = 0.0
        for place in range(log.offsets[row], log.offsets[row + 1]):
            one = log.take(np.array([row]))
            arm = log.eligible[place]
            object.__setattr__(one, "arm", np.array([arm]))
            object.__setattr__(one, "chosen", np.array([place - log.offsets[row]]))
            object.__setattr__(one, "propensity", log.probabilities[[place]])
            asked = policy[log.offsets[row] : log.offsets[row + 1]]
            total += float(log.probabilities[place] * marginal_weights(one, asked, embedding)[0])
        assert total == pytest.approx(1.0)


def test_chunks_give_the_same_weights(log_of: Callable[..., Log]) -> None:
    log, policy = random_log(log_of)
    embedding = ArmEmbedding.by_factors(log)
    first = np.arange(log.rows) < 100
    parts = [
        marginal_weights(log.select(rows), policy[np.repeat(rows, log.lengths)], embedding) for rows in (first, ~first)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), marginal_weights(log, policy, embedding))


def test_rows_that_kept_only_the_chosen_probability(log_of: Callable[..., Log]) -> None:
    rows = [
        {"arm": "a/mail/am", "eligible": list(ARMS), "probabilities": None, "propensity": 0.2, "count": 3},
        {"arm": "d/push/pm", "eligible": list(ARMS), "probabilities": None, "propensity": 0.2},
    ]
    log = log_of(rows)
    with pytest.raises(UndefinedMetric, match="3 of 4 decisions"):
        marginal_weights(log, uniform_probabilities(log), ArmEmbedding.by_factors(log, ("channel",)))
    # No other arm is sent by push, so its own propensity is all that is needed.
    alone = log.select(np.array([False, True]))
    weights = marginal_weights(alone, uniform_probabilities(alone), ArmEmbedding.by_factors(alone, ("channel",)))
    assert weights == pytest.approx([1.0])


def test_factors(log_of: Callable[..., Log]) -> None:
    log = log_of([{"arm": "hold", "eligible": list(ARMS), "propensity": 0.2}])
    embedding = ArmEmbedding.by_factors(log)
    assert embedding.name == "channel × slot"
    assert dict(zip(log.arms, embedding.cluster.tolist(), strict=True)) == {
        "hold": 0,
        "a/mail/am": 1,
        "b/mail/am": 1,
        "c/mail/pm": 2,
        "d/push/pm": 3,
    }
    assert embedding.clusters == 4
    with pytest.raises(InvalidInput, match="at least one factor"):
        ArmEmbedding.by_factors(log, ())


def test_facts_of_the_catalogue_are_factors(log_of: Callable[..., Log]) -> None:
    facts = {
        "a/mail/am": {"features": {"O^kind=percent": 1.0, "O^percent": 0.1}},
        "b/mail/am": {"features": {"O^kind=gift": 1.0}},
        "c/mail/am": {"features": {"O^kind=percent": 1.0, "O^percent": 0.2}},
    }
    eligible = [*facts, "hold"]
    log = log_of([{"arm": "hold", "eligible": eligible, "propensity": 0.25, "arms": facts}])
    embedding = ArmEmbedding.by_factors(log)
    cluster = dict(zip(log.arms, embedding.cluster.tolist(), strict=True))
    assert embedding.name == "channel × slot × O^kind"
    assert cluster["a/mail/am"] == cluster["c/mail/am"]
    assert len(set(cluster.values())) == 3


def test_arms_of_which_nothing_is_stated_stand_alone(log_of: Callable[..., Log]) -> None:
    log = log_of([{"arm": "a"}])
    embedding = ArmEmbedding.by_factors(log)
    assert embedding.name == "arm"
    assert embedding.cluster.tolist() == [0, 1]


def test_clusters_of_embeddings(log_of: Callable[..., Log]) -> None:
    vectors = {"a": [0.0, 1.0], "b": [0.1, 1.0], "c": [5.0, 0.0], "d": [5.0, 0.1], "e": [5.0, 0.1]}
    arms = {arm: {"embedding": vector} for arm, vector in vectors.items()}
    log = log_of([{"arm": "hold", "eligible": [*vectors, "hold", "plain"], "propensity": 0.2, "arms": arms}])
    groups = dict(zip(log.arms, ArmEmbedding.by_vectors(log, 2).cluster.tolist(), strict=True))
    assert groups["a"] == groups["b"]
    assert groups["c"] == groups["d"] == groups["e"]
    assert len({groups["a"], groups["c"], groups["hold"], groups["plain"]}) == 4
    unique = ArmEmbedding.by_vectors(log, 99)
    assert unique.clusters == 6, "d and e have the same embedding"
    assert ArmEmbedding.by_vectors(log).name == "2 clusters of embeddings"
    with pytest.raises(InvalidInput, match="at least 1 cluster"):
        ArmEmbedding.by_vectors(log, 0)
    with pytest.raises(InvalidInput, match="arms with an embedding"):
        ArmEmbedding.by_vectors(log_of([{"arm": "a"}]))


def test_mips_is_unbiased_without_a_direct_effect_and_less_noisy_than_ips() -> None:
    """A hundred arms in five groups; an arm earns what its group earns."""
    random = np.random.default_rng(11)
    arms, groups, decisions = 100, 5, 400
    group = np.arange(arms) % groups
    logged, policy = random.dirichlet(np.full(arms, 0.3)) * 0.9 + 0.1 / arms, random.dirichlet(np.full(arms, 0.3))
    worth = np.linspace(0.1, 0.6, groups)[group]
    by_log, by_policy = (np.bincount(group, weights=p, minlength=groups)[group] for p in (logged, policy))
    values: dict[str, list[float]] = {"mips": [], "ips": []}
    for _ in range(400):
        arm = random.choice(arms, size=decisions, p=logged)
        reward = random.random(decisions) < worth[arm]
        values["ips"].append(float(np.mean(policy[arm] / logged[arm] * reward)))
        values["mips"].append(float(np.mean(by_policy[arm] / by_log[arm] * reward)))
    for found in values.values():
        assert abs(np.mean(found) - policy @ worth) < 4 * np.std(found) / 20
    assert np.std(values["mips"]) < 0.5 * np.std(values["ips"])


def test_mrdr_weights() -> None:
    weights = mrdr_weights(np.array([1.0, 0.5, 1.0]), np.array([0.5, 0.25, 1.0]))
    np.testing.assert_allclose(weights, [2.0, 6.0, 0.0])


def test_a_model_fitted_with_mrdr_weights_makes_dr_less_noisy() -> None:
    """One number for all arms: least squares takes the plain mean, which is far off where the policy's errors count."""
    random = np.random.default_rng(2)
    decisions = 500
    p = np.array([0.9, 0.1])
    found: dict[str, list[float]] = {"plain": [], "mrdr": []}
    for _ in range(300):
        arm = (random.random(decisions) < p[1]).astype(np.int64)
        reward = np.array([0.0, 5.0])[arm] + random.standard_normal(decisions)
        target = (arm == 1).astype(np.float64)
        for name, weight in (("plain", np.ones(decisions)), ("mrdr", mrdr_weights(target, p[arm]))):
            model = float(np.average(reward, weights=weight))
            found[name].append(float(np.mean(model + target / p[arm] * (reward - model))))
    for name, values in found.items():
        assert np.mean(values) == pytest.approx(5.0, abs=0.15), name
    assert np.std(found["mrdr"]) < 0.4 * np.std(found["plain"])
