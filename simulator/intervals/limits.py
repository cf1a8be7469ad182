"""What is known of a statistic before any outcome is seen."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Declared bounds, and where the facts of the design stand; never anything read off the rewards.

    A bound that is taken from the sample is no bound: the largest weight or reward that was seen says little of the
    largest that may come, and an interval built on it covers less than it says.

    Attributes:
        decisions: Column of the totals with the number of decisions; set for values per decision.
        weights: Columns of the totals with sums of weights, each of which is 1 per decision in expectation.
        reward_low: Least the value can be: least reward; for a difference of policies, least − greatest.
        reward_high: Greatest the value can be.
        row_range: Range of one decision's numerator (`Estimator.row_range`), where the statistic is the sum of such
            numerators divided by the number of decisions. An end may be infinite.
        mirror_range: Range of weight × reward_high − numerator, where the first of `weights` belongs to the statistic
            and its numerator is weight × reward (IPS): a second estimate, of reward_high − value.
    """

    decisions: str | None = None
    weights: tuple[str, ...] = ()
    reward_low: float | None = None
    reward_high: float | None = None
    row_range: tuple[float, float] | None = None
    mirror_range: tuple[float, float] | None = None
