"""One policy on one bench: sums that grow chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.bench import Bench, Part
from simulator.estimated_rows import estimated_rows
from simulator.estimators import Estimator
from simulator.metric import HOLD_PREFIX, Metric
from simulator.policies import PolicyAnswer
from simulator.quantities import Quantities
from simulator.sensitivity_sums import SensitivitySums
from simulator.terms import Fits, Terms

__all__ = ["Sample", "SampleSums", "combined"]


@dataclass(frozen=True, slots=True, eq=False)
class SampleSums:
    """What some rows add to a sample; U users, a arms.

    Attributes:
        weights: See `Sample`, shape (U,).
        rewarded: See `Sample`, each of shape (U,).
        by_arm: See `Sample`, each of shape (a,).
        sums: Σ w, Σ w², Σ π of the logged arms, and Σ over fallbacks, shape (4,).
        max_weight: Largest weight.
        seen: See `Sample`.
        on_policy: Whether the policy is the one that logged.
        spread_only: Columns that count by their spread alone.
        missing: Estimators that this log cannot meet, with the reason.
    """

    weights: FloatArray
    rewarded: Mapping[str, FloatArray]
    by_arm: Mapping[str, FloatArray]
    sums: FloatArray
    max_weight: float
    seen: Mapping[str, bool]
    on_policy: bool
    spread_only: frozenset[str]
    missing: Mapping[str, str]

    def __add__(self, other: SampleSums) -> SampleSums:
        return SampleSums(
            weights=self.weights + other.weights,
            rewarded={key: sums + other.rewarded[key] for key, sums in self.rewarded.items()},
            by_arm={key: sums + other.by_arm[key] for key, sums in self.by_arm.items()},
            sums=self.sums + other.sums,
            max_weight=max(self.max_weight, other.max_weight),
            seen={key: seen or other.seen[key] for key, seen in self.seen.items()},
            on_policy=self.on_policy or other.on_policy,
            spread_only=self.spread_only | other.spread_only,
            missing={**self.missing, **other.missing},
        )


class Sample:
    """Everything that is known of a policy's weights and rewards.

    Args:
        bench: The rows that judge it.
        spec: The policy's name.
        metrics: What is estimated.
        estimators: How.
        arms: Vocabulary of the log.
        seed: Of draws.
        doubted: What is estimated where propensities are themselves estimates, quantity → factor; else None.
    """

    def __init__(
        self,
        bench: Bench,
        spec: str,
        metrics: Sequence[Metric],
        estimators: Sequence[Estimator],
        arms: tuple[str, ...],
        seed: int,
        doubted: Mapping[str, float] | None = None,
    ) -> None:
        self.bench, self.spec, self.arms = bench, spec, arms
        self.on_policy = False
        self._doubted = doubted
        self.sensitivity = SensitivitySums()
        names = {name.removeprefix(HOLD_PREFIX) for metric in metrics for name in metric.quantities}
        self._quantities = sorted(names)
        self.terms = Terms(bench, spec, self._quantities, estimators, seed)
        #: Σ w of the rows with a choice, and Σ |w r| for each quantity, inside one user of each entry, shape (U,).
        self.weights = np.zeros(bench.clusters.size)
        self.rewarded = {name: np.zeros(bench.clusters.size) for metric in metrics for name in metric.parts}
        #: Whether any row of weight above 0 has some of the quantity, single-arm rows included.
        self.seen = dict.fromkeys(names, False)
        self.weight_sum = self.weight_squares = self.matched = 0.0
        self.max_weight = 0.0
        self.fallback = 0.0
        #: By arm: the policy's probability, its unsupported part, weighted cost; and the log's plays and cost.
        self.by_arm = {
            key: np.zeros(len(arms)) for key in ("policy", "unsupported", "weighted_cost", "logged", "logged_cost")
        }

    def add(self, part: Part, answer: PolicyAnswer, fits: Fits, *, by_arm: bool) -> None:
        """Take the rows of a part into account.

        Args:
            part: The rows.
            answer: The policy's, for these rows.
            fits: What was fitted for the policy alone, for these rows.
            by_arm: Whether sends and spend are wanted by arm.
        """
        log = part.log
        self.on_policy = answer.on_policy
        matched = answer.probabilities[log.chosen_at]
        weight = np.ones(log.rows) if answer.on_policy else matched / log.propensity
        self._add_weights(part, weight, matched)
        self.fallback += float(np.sum(log.count * answer.fallback))
        if not answer.on_policy and (by_arm or part.unsupported is not None):
            self._add_by_arm(part, answer, weight)
        for name, rewarded in self.rewarded.items():
            value = np.abs(weight * part.quantities[name])
            np.add.at(rewarded, part.unit, value * part.within * part.choice)
        for name in self._quantities:
            self.seen[name] = self.seen[name] or bool(np.any(weight * part.quantities[name]))
        if self._doubted is not None:
            reward = combined(self._doubted, part.quantities)
            self.sensitivity.add(weight, log.propensity, reward, log.count.astype(np.float64), estimated_rows(log))
        self.terms.add(part, answer, weight, fits)

    def sums(self) -> SampleSums:
        """Give the sums so far, but for the columns that are in the bench's totals."""
        spread_only, missing = self.terms.findings
        return SampleSums(
            weights=self.weights.copy(),
            rewarded={key: sums.copy() for key, sums in self.rewarded.items()},
            by_arm={key: sums.copy() for key, sums in self.by_arm.items()},
            sums=np.array([self.weight_sum, self.weight_squares, self.matched, self.fallback]),
            max_weight=self.max_weight,
            seen=dict(self.seen),
            on_policy=self.on_policy,
            spread_only=spread_only,
            missing=missing,
        )

    def fill(self, sums: SampleSums) -> None:
        """Put sums into a sample that is empty."""
        self.weights += sums.weights
        for key, values in sums.rewarded.items():
            self.rewarded[key] += values
        for key, values in sums.by_arm.items():
            self.by_arm[key] += values
        self.weight_sum, self.weight_squares, self.matched, self.fallback = sums.sums.tolist()
        self.max_weight, self.seen, self.on_policy = sums.max_weight, dict(sums.seen), sums.on_policy
        self.terms.note(sums.spread_only, sums.missing)

    def _add_weights(self, part: Part, weight: FloatArray, matched: FloatArray) -> None:
        counted, chosen = part.log.count * part.choice, weight * part.choice
        self.weight_sum += float(counted @ weight)
        self.weight_squares += float(counted @ weight**2)
        self.matched += float(counted @ matched)
        self.max_weight = max(self.max_weight, float(chosen.max(initial=0.0)))
        np.add.at(self.weights, part.unit, chosen * part.within)

    def _add_by_arm(self, part: Part, answer: PolicyAnswer, weight: FloatArray) -> None:
        log, arms = part.log, self.by_arm["policy"].size
        counted = answer.probabilities * np.repeat(log.count, log.lengths)
        self.by_arm["policy"] += np.bincount(log.eligible, weights=counted, minlength=arms)
        if part.unsupported is not None:
            mass = np.where(part.unsupported, counted, 0.0) * np.repeat(part.choice, log.lengths)
            self.by_arm["unsupported"] += np.bincount(log.eligible, weights=mass, minlength=arms)
        cost = part.quantities["cost"] * log.count
        for key, values in (("weighted_cost", weight * cost), ("logged", log.count), ("logged_cost", cost)):
            self.by_arm[key] += np.bincount(log.arm, weights=values, minlength=arms)


def combined(combination: Mapping[str, float], quantities: Quantities) -> FloatArray:
    """Add up quantities with their factors, shape (n,)."""
    return np.asarray(sum(factor * quantities[name] for name, factor in combination.items()))
