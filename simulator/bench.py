"""One set of decisions with everything that estimates over them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.clusters import Clusters
from simulator.estimators import Case, Estimator
from simulator.log import Log
from simulator.policies.evaluation_policy import PolicyAnswer
from simulator.quantities import Quantities
from simulator.resampling import Resampling
from simulator.reward_model import RewardModel
from simulator.statistic import Statistic
from simulator.totals import Totals

__all__ = ["Bench", "Sample"]

_FOLDS = 5


class Bench:
    """Quantities, clusters, bootstrap weights and the reward model of some decisions.

    Shared by all policies, so that their estimates are paired: the same resample draws the same users for each.
    """

    def __init__(self, log: Log, quantities: Quantities, clusters: Clusters, resamples: int, seed: int) -> None:
        self.log = log
        self.quantities = quantities
        self.clusters = clusters
        self.resampling = Resampling.of(clusters, resamples, seed)
        self.totals = Totals(self.resampling.weights, self.resampling.multiplicity)
        self._seed = seed
        self._model: RewardModel | None = None
        self._predicted: dict[str, FloatArray] = {}

    def predicted(self, quantity: str) -> FloatArray:
        """Predict a quantity for all eligible arms, cross-fitted by user, shape (m,)."""
        if self._model is None:
            self._model = RewardModel(self.log, self.clusters.folds(_FOLDS, self._seed, "reward-model"))
        if quantity not in self._predicted:
            self._predicted[quantity] = self._model.predict(self.quantities[quantity])
        return self._predicted[quantity]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One policy on one bench."""

    bench: Bench
    answer: PolicyAnswer

    @property
    def weight(self) -> FloatArray:
        """π(aᵢ | xᵢ) / pᵢ of every row, shape (n,)."""
        log = self.bench.log
        if self.answer.on_policy:
            return np.ones(log.rows)
        return self.answer.probabilities[log.chosen_at] / log.propensity

    def statistics(self, estimator: Estimator, quantities: set[str]) -> Mapping[str, Statistic]:
        """Estimate each quantity's mean per decision."""
        return {name: self._statistic(estimator, name) for name in sorted(quantities)}

    def _statistic(self, estimator: Estimator, quantity: str) -> Statistic:
        bench, totals = self.bench, self.bench.totals
        total: Statistic | None = None
        for place, ratio in enumerate(estimator.terms(self._case(estimator, quantity), estimator.grid[0])):
            parts = []
            for side, values in (("top", ratio.numerator), ("bottom", ratio.denominator)):
                key = f"{id(self)}|{estimator.key}|{quantity}|{place}|{side}"
                totals.put(key, bench.resampling.totals(values))
                parts.append(Statistic.of(totals, key))
            # A policy that the log never matches has no weight at all: its estimate is 0 over 0.
            part = parts[0].over(parts[1]) if parts[1].point else Statistic.undefined(totals)
            if ratio.spread_only:
                part = part.spread()
            total = part if total is None else total + part
        if total is None:
            raise AssertionError(f"{estimator.key} gave no terms for {quantity} of {bench.log.source}")
        return total

    def _case(self, estimator: Estimator, quantity: str) -> Case:
        log, reward = self.bench.log, self.bench.quantities[quantity]
        if not estimator.needs:
            return Case(self.weight, reward)
        predicted = self.bench.predicted(quantity)
        at_chosen = predicted[log.chosen_at]
        # On policy the logged arm is itself a draw from π, also where its other probabilities were not kept.
        expected = at_chosen if self.answer.on_policy else log.row_sums(self.answer.probabilities * predicted)
        return Case(self.weight, reward, expected, at_chosen)
