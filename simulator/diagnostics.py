"""How far a log can speak for a policy: effective sample sizes, weights and support."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from simulator.arrays import BoolArray, FloatArray
from simulator.bench import Sample
from simulator.log import Log

__all__ = ["Diagnostics", "reward_ess"]


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """Of one policy on one log; rows with a single eligible arm say nothing about a choice and are left out.

    Attributes:
        ess: (Σw)² / Σw² over decisions.
        ess_share: The same as a share of those decisions.
        user_ess: The same over users' summed weights.
        reward_ess: (Σ|w r|)² / Σ(w r)² over users, of the first metric.
        max_weight: Largest weight.
        mean_weight: Mean weight, 1 when propensities are true and every arm of the policy is supported.
        mean_weight_low: Lower end of its 99 % interval, clustered by user.
        mean_weight_high: Upper end.
        match_rate: Mean π(aᵢ).
        unsupported_mass: Mean probability that the policy gives to arms the log never plays in such contexts.
        unsupported_arms: Those arms, most probable first.
    """

    ess: float
    ess_share: float
    user_ess: float
    reward_ess: float
    max_weight: float
    mean_weight: float | None
    mean_weight_low: float | None
    mean_weight_high: float | None
    match_rate: float | None
    unsupported_mass: float
    unsupported_arms: tuple[str, ...]

    @classmethod
    def of(cls, sample: Sample, reward: float, level: float) -> Diagnostics:
        """Measure a policy.

        Args:
            sample: The policy on its bench.
            reward: Its `reward_ess`, which depends on the metric.
            level: Level of the interval of the mean weight.
        """
        log, clusters = sample.bench.log, sample.bench.clusters
        choice = log.lengths > 1
        n = float(np.sum(log.count * choice))
        weight = sample.weight * choice
        square = float(np.sum(log.count * weight**2))
        ess = float(np.sum(log.count * weight)) ** 2 / square if square else 0.0
        mean, low, high = _mean_weight(sample, weight, choice, level)
        mass, arms = _unsupported(sample, choice)
        matched = sample.answer.probabilities[log.chosen_at] * choice
        return cls(
            ess=ess,
            ess_share=ess / n if n else 0.0,
            user_ess=clusters.effective(weight),
            reward_ess=reward,
            max_weight=float(weight.max(initial=0.0)),
            mean_weight=mean,
            mean_weight_low=low,
            mean_weight_high=high,
            match_rate=float(np.sum(log.count * matched)) / n if n else None,
            unsupported_mass=mass,
            unsupported_arms=arms,
        )


def reward_ess(sample: Sample, reward: FloatArray) -> float:
    """Give (Σ|w r|)² / Σ(w r)² over users for a reward of shape (n,), single-arm rows left out."""
    choice = sample.bench.log.lengths > 1
    return sample.bench.clusters.effective(np.abs(sample.weight * reward) * choice)


def _mean_weight(
    sample: Sample, weight: FloatArray, choice: BoolArray, level: float
) -> tuple[float | None, float | None, float | None]:
    """Give the mean weight and its normal interval, from users' linearised contributions."""
    clusters = sample.bench.clusters
    decisions, weights = clusters.totals(choice.astype(np.float64)), clusters.totals(weight)
    n = float(clusters.multiplicity @ decisions)
    users = float(clusters.multiplicity @ (decisions > 0))
    if users < 2:
        return (float(clusters.multiplicity @ weights) / n if n else None), None, None
    mean = float(clusters.multiplicity @ weights) / n
    spread = float(clusters.multiplicity @ (weights - mean * decisions) ** 2) * users / (users - 1)
    half = float(norm.ppf((1 + level) / 2)) * spread**0.5 / n
    return mean, mean - half, mean + half


def _unsupported(sample: Sample, choice: BoolArray) -> tuple[float, tuple[str, ...]]:
    """Sum the policy's probability on arms never played at all, or logged with probability 0 in that very row."""
    log = sample.bench.log
    if sample.answer.on_policy or not choice.any():
        return 0.0, ()
    mass = np.where(_never_played(log), sample.answer.probabilities, 0.0)
    mass *= np.repeat(log.count * choice, log.lengths)
    by_arm = np.bincount(log.eligible, weights=mass, minlength=len(log.arms)) / float(np.sum(log.count * choice))
    order = np.argsort(-by_arm, kind="stable")
    return float(by_arm.sum()), tuple(log.arms[code] for code in order if by_arm[code] > 0)


def _never_played(log: Log) -> BoolArray:
    played = np.zeros(len(log.arms), dtype=bool)
    played[log.arm] = True
    never = ~played[log.eligible]
    never |= log.probabilities == 0.0
    # The row's own arm was played, whatever the rounding of its recorded probability.
    never[log.chosen_at] = False
    return np.asarray(never)
