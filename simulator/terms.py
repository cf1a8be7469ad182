"""Row terms of all estimators for one policy, summed over users."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray, FloatArray
from simulator.bench import ROWS, Bench, Part
from simulator.estimators import Case, Estimator, Need
from simulator.metric import UndefinedMetric
from simulator.policies import PolicyAnswer
from simulator.rejection import Rejection, acceptance_draws, indivisible, largest_ratio
from simulator.statistic import Statistic
from simulator.tuning import Candidate, tuned

__all__ = ["Fits", "Mean", "Terms"]


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """What was fitted for the policy alone, for the rows of a part; empty where no estimator asks for it.

    Attributes:
        predicted: Quantity → MRDR's word for every eligible arm, shape (m,).
        marginal: Weights of the logged arms' embeddings, shape (n,).
        balanced: Weights that need no propensity, shape (n,).
        missing: Estimators' needs that this log cannot meet, with the reason.
    """

    predicted: Callable[[str], FloatArray] | None
    marginal: FloatArray | None
    balanced: FloatArray | None
    missing: Mapping[Need, str]

    def select(self, part: Part, rows: BoolArray) -> Fits:
        """Keep some rows of a part."""
        if bool(rows.all()):
            return self
        flat, whole = np.repeat(rows, part.log.lengths), self.predicted
        return Fits(
            None if whole is None else lambda quantity: whole(quantity)[flat],
            None if self.marginal is None else self.marginal[rows],
            None if self.balanced is None else self.balanced[rows],
            self.missing,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """The mean of a quantity per decision, with the parameter that was chosen for it; NaN where there is none."""

    statistic: Statistic
    parameter: float


class Terms:
    """Sums of row terms, by estimator, parameter and quantity; columns of the bench's totals.

    Args:
        bench: The rows that judge the policy.
        spec: The policy's name.
        quantities: What is estimated, by name.
        estimators: How.
        seed: Of the draws of rejection replay.
    """

    def __init__(
        self, bench: Bench, spec: str, quantities: Sequence[str], estimators: Sequence[Estimator], seed: int
    ) -> None:
        self._bench, self._spec, self._quantities, self._estimators = bench, spec, quantities, estimators
        self._seed = seed
        self._spread_only: set[str] = set()
        self._missing: dict[str, str] = {}
        self._means: dict[tuple[str, str], Mean] = {}
        asked = any(Need.ACCEPTED in estimator.needs for estimator in estimators)
        self._rejection = Rejection(("within", *quantities)) if asked else None
        self._accepted_into_totals = False

    @property
    def weights(self) -> str:
        """Column of the totals with the policy's weights."""
        return f"{self._spec}|weights"

    @property
    def accepted_share(self) -> float | None:
        """Share of decisions that rejection replay accepts, where it was asked for."""
        return None if self._rejection is None else self._rejection.share

    @property
    def findings(self) -> tuple[frozenset[str], Mapping[str, str]]:
        """Columns that count by their spread alone, and estimators that this log cannot meet, with the reason.

        Raises:
            InvalidInput: Under rejection replay, whose acceptance rests on the whole log.
        """
        if self._rejection is not None:
            raise InvalidInput("expected estimators that are sums of parts, got rejection; leave it out")
        return frozenset(self._spread_only), dict(self._missing)

    def note(self, spread_only: frozenset[str], missing: Mapping[str, str]) -> None:
        """Take over the findings of other rows."""
        self._spread_only |= spread_only
        self._missing.update(missing)

    def add(self, part: Part, answer: PolicyAnswer, weight: FloatArray, fits: Fits) -> None:
        """Take the rows of a part into account.

        Args:
            part: The rows.
            answer: The policy's, for these rows.
            weight: π / p of the logged arms, shape (n,).
            fits: What was fitted for the policy alone, for these rows.
        """
        self._bench.totals.add(self.weights, part.bucket, weight * part.within)
        for estimator in self._estimators:
            missing = next((fits.missing[need] for need in estimator.needs if need in fits.missing), None)
            if missing is not None:
                self._missing[estimator.key] = missing
            elif Need.ACCEPTED not in estimator.needs:
                self._add_terms(estimator, part, answer, weight, fits)
        if self._rejection is not None:
            self._add_candidates(self._rejection, part, answer, weight)

    def _add_terms(
        self, estimator: Estimator, part: Part, answer: PolicyAnswer, weight: FloatArray, fits: Fits
    ) -> None:
        totals = self._bench.totals
        for number, quantity in enumerate(self._quantities):
            case = _case(estimator, part, answer, weight, fits, quantity)
            for index, parameter in enumerate(estimator.grid):
                for place, ratio in enumerate(estimator.terms(case, parameter)):
                    key = self._key(estimator, index, place, quantity)
                    totals.add(key, part.bucket, ratio.numerator * part.within)
                    if ratio.spread_only:
                        self._spread_only.add(key)
                    if ratio.denominator is not None and number == 0:
                        totals.add(self._key(estimator, index, place), part.bucket, ratio.denominator * part.within)
                if len(estimator.grid) > 1:
                    omitted = estimator.omitted(case, parameter) * part.within
                    totals.add(self._omitted(estimator, index, quantity), part.bucket, omitted)

    def _add_candidates(self, rejection: Rejection, part: Part, answer: PolicyAnswer, weight: FloatArray) -> None:
        log = part.log
        unfit = indivisible(log)
        if unfit is not None:
            self._missing["rejection"] = unfit
            return
        largest = 1.0 if answer.on_policy else largest_ratio(log, answer.probabilities)
        columns = {"within": part.within, **{name: part.quantities[name] for name in self._quantities}}
        draws = acceptance_draws(log, self._seed)
        rejection.add(weight, largest, draws, log.count, part.bucket, columns)

    def mean(self, estimator: Estimator, quantity: str) -> Mean:
        """Estimate the mean of a quantity per decision.

        Raises:
            UndefinedMetric: When this log cannot give what the estimator needs.
        """
        if estimator.key in self._missing:
            raise UndefinedMetric(self._missing[estimator.key])
        if (estimator.key, quantity) not in self._means:
            self._means[estimator.key, quantity] = self._mean(estimator, quantity)
        return self._means[estimator.key, quantity]

    def _mean(self, estimator: Estimator, quantity: str) -> Mean:
        if Need.ACCEPTED in estimator.needs:
            self._accept(estimator)
        indices = range(len(estimator.grid))
        statistics = [self._statistic(estimator, index, quantity) for index in indices]
        if len(statistics) == 1:
            return Mean(statistics[0], math.nan)
        totals = self._bench.totals
        rows = Statistic.of(totals, ROWS)
        omitted = [Statistic.of(totals, self._omitted(estimator, index, quantity)).over(rows) for index in indices]
        candidates = [Candidate.of(estimator.grid[index], statistics[index], omitted[index]) for index in indices]
        chosen = candidates.index(tuned(candidates))
        statistic = statistics[chosen]
        if Need.MODEL in estimator.needs:
            # What is cut leaves the model in its place, and the model was fitted to these rewards: the estimate varies
            # as DR does, as the direct method's does too, not as if the model were given.
            statistic = statistic + omitted[chosen].spread()
        return Mean(statistic, estimator.grid[chosen])

    def _statistic(self, estimator: Estimator, index: int, quantity: str) -> Statistic:
        totals, place = self._bench.totals, 0
        total: Statistic | None = None
        while (key := self._key(estimator, index, place, quantity)) in totals:
            own = self._key(estimator, index, place)
            bottom = Statistic.of(totals, own if own in totals else ROWS)
            # A policy that the log never matches has no weight at all: its estimate is 0 over 0.
            part = Statistic.of(totals, key).over(bottom) if bottom.point else Statistic.undefined(totals)
            part = part.spread() if key in self._spread_only else part
            total = part if total is None else total + part
            place += 1
        return Statistic.undefined(totals) if total is None else total

    def _accept(self, estimator: Estimator) -> None:
        """Settle which candidates are accepted, once all rows are known."""
        if self._accepted_into_totals or self._rejection is None:
            return
        self._accepted_into_totals = True
        rejection, totals = self._rejection, self._bench.totals
        accepted, within = rejection.accepted, rejection.column("within")
        for number, quantity in enumerate(self._quantities):
            reward = rejection.column(quantity)
            (ratio,) = estimator.terms(Case(accepted, reward, accepted=accepted), estimator.grid[0])
            totals.add(self._key(estimator, 0, 0, quantity), rejection.bucket, ratio.numerator * within)
            if ratio.denominator is not None and number == 0:
                totals.add(self._key(estimator, 0, 0), rejection.bucket, ratio.denominator * within)

    def _key(self, estimator: Estimator, index: int, place: int, quantity: str = "") -> str:
        return f"{self._spec}|{estimator.key}|{index}|{place}|{quantity}"

    def _omitted(self, estimator: Estimator, index: int, quantity: str) -> str:
        return f"{self._spec}|{estimator.key}|{index}|omitted|{quantity}"


def _case(
    estimator: Estimator, part: Part, answer: PolicyAnswer, weight: FloatArray, fits: Fits, quantity: str
) -> Case:
    reward, needs = part.quantities[quantity], estimator.needs
    none = np.zeros(0)
    expected = at_chosen = none
    if Need.MODEL in needs or Need.MRDR_MODEL in needs:
        own = Need.MRDR_MODEL in needs and fits.predicted is not None
        predicted = fits.predicted(quantity) if own and fits.predicted is not None else part.predicted(quantity)
        at_chosen = predicted[part.log.chosen_at]
        # On policy the logged arm is itself a draw from π, also where its other probabilities were not kept.
        expected = at_chosen if answer.on_policy else part.log.expected(answer.probabilities, predicted)
    marginal = none if fits.marginal is None else fits.marginal
    balanced = none if fits.balanced is None else fits.balanced
    return Case(weight, reward, expected, at_chosen, marginal=marginal, balanced=balanced)
