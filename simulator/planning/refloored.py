"""A log as if it had been written under another exploration floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.exploration import Floor
from simulator.arrays import FloatArray
from simulator.log import MODES, Log
from simulator.planning.floor_shares import floor_shares
from simulator.planning.question import Question
from simulator.planning.spread import Spread
from simulator.policies.logged_probabilities import logged_probabilities

__all__ = ["LEAST_HOLD", "Refloored", "floor_of", "logged_floor"]

#: Default of `Floor.hold`.
LEAST_HOLD = 0.01
_ALL = Floor(1.0, 1e-9)


def floor_of(total: float) -> Floor:
    """Make a floor whose hold has the default least share, or half of it all where that is less.

    Raises:
        ConfigError: When `total` is no share.
    """
    return Floor(total, min(LEAST_HOLD, total / 2))


def logged_floor(log: Log) -> float | None:
    """Read off the largest floor that the log's live rows can have had; None where they have no choice.

    Raises:
        InvalidInput: When the log did not keep all probabilities.
    """
    live = np.repeat((log.mode == MODES.index("live")) & (log.lengths > 1), log.lengths)
    if not live.any():
        return None
    return min(1.0, float(np.min((logged_probabilities(log) / floor_shares(log, _ALL))[live])))


@dataclass(frozen=True, slots=True, eq=False)
class Refloored:
    """Moments of weights and weighted rewards under p' = (1 − f')·b + f'·s, with p = (1 − f)·b + f·s as logged.

    b is the logging policy under its floor f, s the floor's own share of each arm. Rows of other modes than live
    (control, fallback) keep their p. The draws of a user's decisions are independent given the contexts; with
    T = Σₜ zₜ a user's sum over decisions, E'[T²] differs from E[T²] only by what each decision's own draw adds:

        E'[T²] − E[T²] = Σₜ (E'[zₜ²] − E[zₜ²]),

    since products of two decisions have the mean E'[zₜ]·E'[zₛ], and importance weighting makes that the same under
    any p'. For weights zₜ = π/p' the second moment is known without any outcome, E'[w'² | x] = Σₐ π(a|x)² / p'(a|x).
    For rewards it is weighed back from the logged draws, E'[w'² r²] = E[w · w' · r²], w = π/p and w' = π/p'. So the
    correlation of a user's rewards stays in, as it was seen.

    Source: second moments of the Horvitz–Thompson estimator; Owen, "Monte Carlo theory, methods and examples" (2013),
    §9.1 for the variance under another sampling density, §9.14 for weighing one density's from another's draws.

    Attributes:
        question: A policy and a metric on a log.
        own: b of every eligible arm, shape (m,).
        floor: f.
    """

    question: Question
    own: FloatArray
    floor: float

    @classmethod
    def of(cls, question: Question, floor: float) -> Refloored:
        """Take the logged floor away.

        Raises:
            InvalidInput: When the log did not keep all probabilities.
            ConfigError: When `floor` is no share.
        """
        log = question.log
        left = np.maximum(logged_probabilities(log) - floor_shares(log, floor_of(floor)), 0.0)
        return cls(question, left / np.repeat(np.maximum(log.row_sums(left), 1e-12), log.lengths), floor)

    def propensities(self, total: float) -> FloatArray:
        """Give p' of every eligible arm under another floor, shape (m,)."""
        log = self.question.log
        live = np.repeat(log.mode == MODES.index("live"), log.lengths)
        mixed = (1.0 - total) * self.own + floor_shares(log, floor_of(total))
        return np.where(live, mixed, logged_probabilities(log))

    def users(self, propensities: FloatArray) -> tuple[float, Spread]:
        """Give the expected (Σw')² / Σw'² over users, rows with a single arm left out, and how it grows."""
        log, clusters = self.question.log, self.question.clusters
        choice = (log.lengths > 1).astype(np.float64)
        asked = logged_probabilities(log) if self.question.answer.on_policy else self.question.answer.probabilities
        second = log.row_sums(np.where(asked > 0, asked**2 / propensities, 0.0))
        decisions = clusters.totals(choice)
        shared = float(clusters.multiplicity @ (decisions**2 - decisions))
        spread = Spread(float(clusters.multiplicity @ clusters.totals(second * choice)), max(0.0, shared))
        return _effective(float(clusters.multiplicity @ decisions), spread), spread

    def rewarded(self, propensities: FloatArray) -> tuple[float, Spread]:
        """Give the expected (Σ|w' r|)² / Σ(w' r)² over users, the smallest of the metric's parts, and its growth."""
        return min((self._rewarded(np.abs(part), propensities) for part in self.question.parts), key=lambda one: one[0])

    def _rewarded(self, reward: FloatArray, propensities: FloatArray) -> tuple[float, Spread]:
        log, clusters = self.question.log, self.question.clusters
        reward = reward * (log.lengths > 1)
        weighted = self.question.weight * reward
        logged = Spread.of(clusters, weighted)
        added = float(clusters.multiplicity @ clusters.totals(self._added(reward, propensities)))
        spread = Spread(logged.own + added, logged.shared)
        return _effective(float(clusters.multiplicity @ clusters.totals(weighted)), spread), spread

    def error(self, propensities: FloatArray) -> float | None:
        """Give the standard error of the self-normalised estimate of the metric; None where it has no value."""
        question, clusters, weight = self.question, self.question.clusters, self.question.weight
        bottom = float(question.log.count @ (weight * question.bottom))
        if not bottom:
            return None
        residual = question.top - float(question.log.count @ (weight * question.top)) / bottom * question.bottom
        square = clusters.totals(weight * residual) ** 2 + clusters.totals(self._added(residual, propensities))
        return float(np.sqrt(max(0.0, float(clusters.multiplicity @ square))) / abs(bottom))

    def _added(self, reward: FloatArray, propensities: FloatArray) -> FloatArray:
        """Row by row, what E'[z²] has above E[z²]: w (w' − w) r², shape (n,)."""
        log, weight = self.question.log, self.question.weight
        other = weight * log.propensity / propensities[log.chosen_at]
        return np.asarray(weight * (other - weight) * reward**2)

    def logged_change(self, propensities: FloatArray) -> float | None:
        """Give how the logging policy's own value would have changed with its floor, as a share of today's."""
        log, question = self.question.log, self.question
        weight = log.count * propensities[log.chosen_at] / log.propensity
        bottom, today = float(weight @ question.bottom), float(log.count @ question.bottom)
        if not bottom or not today:
            return None
        value = float(log.count @ question.top) / today
        return None if not value else float(weight @ question.top) / bottom / value - 1.0


def _effective(total: float, spread: Spread) -> float:
    return total**2 / spread.whole if spread.whole > 0 else 0.0
