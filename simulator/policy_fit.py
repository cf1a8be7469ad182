"""What is fitted for one policy alone: MRDR's reward model, and weights that need no propensity."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from simulator.arm_embedding import ArmEmbedding
from simulator.arrays import FloatArray
from simulator.balanced_weights import BalancedWeights, Pairs, drawn_places
from simulator.crossfit import CrossFit
from simulator.estimators import Need
from simulator.folds import Folds
from simulator.keyed_hash import hash_strings, mix, uniform
from simulator.log import Log
from simulator.log_facts import LogFacts
from simulator.marginal_weights import marginal_weights
from simulator.metric import UndefinedMetric
from simulator.mrdr_weights import mrdr_weights
from simulator.policies import PolicyAnswer
from simulator.quantities import Quantities
from simulator.replay_settings import ReplaySettings
from simulator.terms import Fits

__all__ = ["PolicyFit"]


class PolicyFit:
    """Sees the whole log with the policy's answers, before the log is valued.

    Args:
        facts: What is known of the log.
        folds: Of the rows; the same for every model.
        settings: Checked settings.
        needs: What the estimators need.
        names: Quantities that are estimated.
    """

    #: Needs that take a pass of their own.
    PASS = frozenset((Need.MRDR_MODEL, Need.BALANCED))

    def __init__(
        self, facts: LogFacts, folds: Folds, settings: ReplaySettings, needs: Collection[Need], names: Sequence[str]
    ) -> None:
        self._facts, self._folds, self._seed, self._names = facts, folds, settings.seed, names
        self._mrdr = CrossFit(facts, folds, settings) if Need.MRDR_MODEL in needs else None
        self._balanced = BalancedWeights(settings.seed) if Need.BALANCED in needs else None
        self._embedding = ArmEmbedding.by_factors(facts.log) if Need.MARGINAL in needs else None
        self._scale = 0.0

    def add(self, log: Log, quantities: Quantities, answer: PolicyAnswer) -> None:
        """Take a chunk into account."""
        target = log.propensity if answer.on_policy else answer.probabilities[log.chosen_at]
        if self._mrdr is not None:
            weight = mrdr_weights(target, log.propensity)
            # A constant scale for all chunks, so that the ridge penalty keeps its size.
            self._scale = self._scale or float(weight.mean()) or 1.0
            self._mrdr.add(log, quantities, self._names, weight / self._scale)
        if self._balanced is not None:
            fold = self._folds.of[log.place]
            self._balanced.add(self._logged(log, target), self._drawn(log, answer), fold, log.count, self._keys(log))

    def fit(self) -> None:
        """Fit everything."""
        if self._mrdr is not None:
            self._mrdr.fit()
        if self._balanced is not None:
            self._balanced.fit()

    def fits(self, log: Log, answer: PolicyAnswer) -> Fits:
        """Give what was fitted, for the rows of a chunk."""
        missing: dict[Need, str] = {}
        marginal = balanced = None
        if self._embedding is not None:
            try:
                marginal = (
                    np.ones(log.rows)
                    if answer.on_policy
                    else marginal_weights(log, answer.probabilities, self._embedding)
                )
            except UndefinedMetric as undefined:
                missing[Need.MARGINAL] = str(undefined)
        if self._balanced is not None:
            target = log.propensity if answer.on_policy else answer.probabilities[log.chosen_at]
            weights = self._balanced.weights(self._logged(log, target), self._folds.of[log.place])
            balanced = np.ones(log.rows) if answer.on_policy else weights
        return Fits(None if self._mrdr is None else self._mrdr.predictions(log), marginal, balanced, missing)

    def _logged(self, log: Log, target: FloatArray) -> Pairs:
        return Pairs(self._facts.features.encode(log), log.arm.astype(np.int64), target)

    def _drawn(self, log: Log, answer: PolicyAnswer) -> Pairs:
        draw = uniform(mix(self._keys(log) ^ hash_strings([f"balanced:{self._seed}"])[0]))
        if answer.on_policy:
            return self._logged(log, log.propensity)
        places = drawn_places(log, answer.probabilities, draw)
        arm = log.eligible[places].astype(np.int64)
        return Pairs(self._facts.features.encode(log), arm, answer.probabilities[places])

    def _keys(self, log: Log) -> np.ndarray:
        rows = np.arange(log.first, log.first + log.rows, dtype=np.uint64)
        return mix(rows ^ hash_strings([f"policy-fit:{self._seed}"])[0])
