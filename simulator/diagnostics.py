"""How far a log can speak for a policy: effective sample sizes, weights and support."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from simulator.metric import Metric
from simulator.sample import Sample

__all__ = ["Diagnostics"]


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """Of one policy on one log; rows with a single eligible arm say nothing about a choice and are left out.

    Attributes:
        ess: (Σw)² / Σw² over decisions.
        ess_share: The same as a share of those decisions.
        user_ess: The same over users' summed weights.
        reward_ess: (Σ|w r|)² / Σ(w r)² over users, of the first metric; of one with several parts, the least of theirs.
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
    def of(cls, sample: Sample, metric: Metric, level: float) -> Diagnostics:
        """Measure a policy.

        Args:
            sample: The policy on its bench.
            metric: Whose `reward_ess` is asked for.
            level: Level of the interval of the mean weight.
        """
        n, clusters = sample.bench.decisions_with_choice, sample.bench.clusters
        ess = sample.weight_sum**2 / sample.weight_squares if sample.weight_squares else 0.0
        mean, low, high = _mean_weight(sample, level)
        mass = sample.by_arm["unsupported"] / n if n else sample.by_arm["unsupported"]
        order = np.argsort(-mass, kind="stable")
        return cls(
            ess=ess,
            ess_share=ess / n if n else 0.0,
            user_ess=clusters.effective_size(sample.weights),
            reward_ess=_reward_ess(sample, metric),
            max_weight=sample.max_weight,
            mean_weight=mean,
            mean_weight_low=low,
            mean_weight_high=high,
            match_rate=sample.matched / n if n else None,
            unsupported_mass=float(mass.sum()),
            unsupported_arms=tuple(sample.arms[code] for code in order if mass[code] > 0),
        )


def _reward_ess(sample: Sample, metric: Metric) -> float:
    sizes = {name: sample.bench.clusters.effective_size(sample.rewarded[name]) for name in metric.parts}
    return min(size for name, size in sizes.items() if size > 0.0 or metric.parts[name])


def _mean_weight(sample: Sample, level: float) -> tuple[float | None, float | None, float | None]:
    """Give the mean weight and its normal interval, from users' linearised contributions."""
    multiplicity, decisions = sample.bench.clusters.multiplicity, sample.bench.choices
    n = float(multiplicity @ decisions)
    users = float(multiplicity @ (decisions > 0))
    if users < 2:
        return (float(multiplicity @ sample.weights) / n if n else None), None, None
    mean = float(multiplicity @ sample.weights) / n
    spread = float(multiplicity @ (sample.weights - mean * decisions) ** 2) * users / (users - 1)
    half = float(norm.ppf((1 + level) / 2)) * spread**0.5 / n
    return mean, mean - half, mean + half
