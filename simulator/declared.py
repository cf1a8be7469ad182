"""What bounded intervals may rest on: facts that were declared, never read off the rewards."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.core.errors import InvalidInput
from simulator.bench import ROWS
from simulator.estimators import Estimator
from simulator.intervals import Limits
from simulator.log_facts import LogFacts
from simulator.metric import Metric
from simulator.replay_settings import ReplaySettings
from simulator.sample import Sample

__all__ = ["Declared"]

#: Bounds of a mean are bounds of the value only where the one is the other in expectation.
_UNBIASED = ("ips", "dr", "mrdr")
_ROUNDING = 1e-6
_SHARES = ("clicked", "converted", "converted_clicked", "unsubscribed", "sent")


@dataclass(frozen=True, slots=True)
class Declared:
    """Bounds of weights and quantities.

    Attributes:
        floor: Least propensity of any eligible arm, or None.
        reward_max: Most revenue of a decision (winsorised there), or None.
        refunds: Whether the log has refunds, so that revenue may be below 0.
    """

    floor: float | None
    reward_max: float | None
    refunds: bool

    @classmethod
    def of(cls, settings: ReplaySettings, facts: LogFacts) -> Declared:
        """Take what the settings declare.

        Raises:
            InvalidInput: When the log itself has a propensity below the floor.
        """
        if settings.floor is not None and facts.least_propensity < settings.floor * (1.0 - _ROUNDING):
            raise InvalidInput(
                f"expected no propensity below the declared {settings.floor:g}, got {facts.least_propensity:g} in the "
                "log; declare the floor it was logged with",
                field="--floor",
            )
        return cls(settings.floor, settings.reward_max, "refund" in facts.kinds)

    def limits(self, metric: Metric, estimator: Estimator, sample: Sample) -> Limits:
        """Say what is known beforehand of a metric of a policy."""
        weights = () if sample.on_policy else (sample.terms.weights,)
        span = None if metric.denominator else self._span(metric)
        if span is None:
            return Limits(decisions=ROWS, weights=weights)
        most = 1.0 if sample.on_policy else math.inf if self.floor is None else 1.0 / self.floor
        mirrored = estimator.key == "ips" and not sample.on_policy
        return Limits(
            decisions=ROWS,
            weights=weights,
            reward_low=span[0],
            reward_high=span[1],
            row_range=_row_range(estimator, most, span),
            mirror_range=(0.0, most * (span[1] - span[0])) if mirrored else None,
        )

    def _span(self, metric: Metric) -> tuple[float, float] | None:
        """Least and greatest value of a metric in one decision; None where a quantity has no declared bound."""
        low = high = 0.0
        for name, factor in metric.numerator.items():
            one = self._range(name)
            if one is None:
                return None
            ends = sorted((factor * one[0], factor * one[1]))
            low, high = low + ends[0], high + ends[1]
        return low, high

    def _range(self, name: str) -> tuple[float, float] | None:
        if name in _SHARES:
            return 0.0, 1.0
        if name == "revenue" and self.reward_max is not None:
            return (-self.reward_max if self.refunds else 0.0), self.reward_max
        return None


def _row_range(estimator: Estimator, most: float, span: tuple[float, float]) -> tuple[float, float] | None:
    """Bound a row's term; None where the mean of the terms is not the value, as of weights that are cut."""
    if estimator.key not in _UNBIASED:
        return None
    if math.isinf(most) and estimator.key == "ips":
        return (0.0 if span[0] >= 0.0 else -math.inf), math.inf
    return estimator.row_range(most, *span) if math.isfinite(most) else None
