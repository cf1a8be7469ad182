"""What a policy is judged by: sums of per-decision quantities, or ratios of two such sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.statistic import Statistic

__all__ = ["HOLD_PREFIX", "Metric", "UndefinedMetric", "metric_table"]

#: Marks a quantity as that of the policy which always holds.
HOLD_PREFIX = "hold:"


class UndefinedMetric(ArithmeticError):
    """The metric has no value here; its text says why, for the report."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A linear combination of quantities per decision, optionally divided by another.

    Attributes:
        key: Its name in reports.
        label: Its name for people.
        numerator: Quantity → coefficient.
        denominator: Quantity → coefficient; empty when the metric is per decision.
        share: Whether it is a share, shown in per cent.
        undefined: Why it has no value when the denominator is 0 (or, for Δcost, not above 0).
    """

    key: str
    label: str
    numerator: Mapping[str, float]
    denominator: Mapping[str, float]
    share: bool
    undefined: str = ""

    @property
    def quantities(self) -> set[str]:
        """Quantities that have to be estimated, those of the hold policy marked."""
        return {*self.numerator, *self.denominator}

    @property
    def parts(self) -> Mapping[str, bool]:
        """Quantities of the policy itself whose rewards carry the metric → whether it rests on them in any case.

        Judged one by one: profit has a cost in every row, and the few purchases that decide it would not be seen beside
        these. What is subtracted need not occur; what is earned, and what is divided by, has to.
        """
        own = {name: factor > 0.0 for name, factor in self.numerator.items() if not name.startswith(HOLD_PREFIX)}
        return {**own, **{name: True for name in self.denominator if not name.startswith(HOLD_PREFIX)}}

    @property
    def needs_hold(self) -> bool:
        """Whether it compares with the policy that always holds."""
        return any(name.startswith(HOLD_PREFIX) for name in self.quantities)

    def value(self, estimates: Mapping[str, Statistic]) -> Statistic:
        """Combine the estimated quantities.

        Raises:
            UndefinedMetric: When the denominator does not allow a value.
        """
        top = _combined(self.numerator, estimates)
        if not self.denominator:
            return top
        bottom = _combined(self.denominator, estimates)
        if bottom.point <= 0.0:
            raise UndefinedMetric(self.undefined)
        return top.over(bottom)


def _combined(coefficients: Mapping[str, float], estimates: Mapping[str, Statistic]) -> Statistic:
    first, *rest = (estimates[name].scaled(factor) for name, factor in coefficients.items())
    for statistic in rest:
        first = first + statistic
    return first


def metric_table(margin: float = 1.0) -> Mapping[str, Metric]:
    """Make every metric of the contract, in its order.

    Args:
        margin: Share of revenue that is earned, in `profit` and `incremental_roi`.
    """
    hold_revenue, hold_cost = HOLD_PREFIX + "revenue", HOLD_PREFIX + "cost"
    metrics = (
        Metric("ctr", "clicks / decision", {"clicked": 1.0}, {}, True),
        Metric(
            "ctr_per_send", "clicks / send", {"clicked": 1.0}, {"sent": 1.0}, True, "nothing is sent under this policy"
        ),
        Metric("cvr", "purchases / decision", {"converted": 1.0}, {}, True),
        Metric(
            "cvr_per_click",
            "purchases / click",
            {"converted_clicked": 1.0},
            {"clicked": 1.0},
            True,
            "no clicks under this policy",
        ),
        Metric("revenue", "revenue / decision", {"revenue": 1.0}, {}, False),
        Metric("cost", "cost / decision", {"cost": 1.0}, {}, False),
        Metric("profit", "profit / decision", {"revenue": margin, "cost": -1.0}, {}, False),
        Metric(
            "roi",
            "(revenue − cost) / cost",
            {"revenue": 1.0, "cost": -1.0},
            {"cost": 1.0},
            False,
            "no cost under this policy",
        ),
        Metric(
            "incremental_roi",
            "(margin · Δrevenue − Δcost) / Δcost against hold",
            {"revenue": margin, hold_revenue: -margin, "cost": -1.0, hold_cost: 1.0},
            {"cost": 1.0, hold_cost: -1.0},
            False,
            "the policy costs no more than hold",
        ),
        Metric("send_rate", "sends / decision", {"sent": 1.0}, {}, True),
        Metric("unsubscribe", "unsubscribes / decision", {"unsubscribed": 1.0}, {}, True),
    )
    return {metric.key: metric for metric in metrics}
