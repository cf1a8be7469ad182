"""Profit against sends: which policies nobody should choose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from simulator.report.figures import headline
from simulator.report.replay_report import Estimate, ReplayReport
from simulator.verdict import VerdictName

__all__ = ["Pareto", "ParetoPoint", "holding_family"]


@dataclass(frozen=True, slots=True)
class ParetoPoint:
    """One policy.

    Attributes:
        label: Its SPEC, or what else it is called.
        effort: What should be small, such as sends a decision.
        reward: What should be large, such as profit a decision.
        verdict: Of the reward.
        dominated_by: Labels of points with no more effort and no less reward, one of both better.
        surely: Whether one of them has its whole interval of the reward above this one's, at no more effort.
    """

    label: str
    effort: Estimate
    reward: Estimate
    verdict: VerdictName
    dominated_by: tuple[str, ...] = ()
    surely: bool = False

    @property
    def defined(self) -> bool:
        """Whether it has a place in the picture."""
        return self.effort.value is not None and self.reward.value is not None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "policy": self.label,
            "verdict": self.verdict.value,
            "effort": self.effort.to_json(),
            "reward": self.reward.to_json(),
            "dominated_by": list(self.dominated_by),
            "surely_dominated": self.surely,
        }


@dataclass(frozen=True, slots=True)
class Pareto:
    """Points, from least effort to most.

    Attributes:
        points: Those that have a place, refused ones included; these dominate nobody.
        effort: Key of the metric of effort.
        reward: Key of the metric of reward.
    """

    points: tuple[ParetoPoint, ...]
    effort: str
    reward: str

    @classmethod
    def of(cls, points: Iterable[ParetoPoint], effort: str, reward: str) -> Pareto:
        """Find out who dominates whom, by point estimates; intervals say how surely."""
        placed = sorted((point for point in points if point.defined), key=lambda point: point.effort.value or 0.0)
        believed = [point for point in placed if point.verdict is not VerdictName.REFUSED]
        return cls(tuple(_judged(point, believed) for point in placed), effort, reward)

    @classmethod
    def of_report(cls, report: ReplayReport, effort: str = "send_rate", reward: str = "profit") -> Pareto:
        """Place the policies of a replay.

        Raises:
            KeyError: When the report lacks one of the metrics.
        """
        points = []
        for policy in report.policies:
            less, more = policy.metrics[effort], policy.metrics[reward]
            points.append(
                ParetoPoint(
                    policy.policy, less.estimates[headline(less)], more.estimates[headline(more)], more.verdict.name
                )
            )
        return cls.of(points, effort, reward)

    @property
    def front(self) -> tuple[ParetoPoint, ...]:
        """Points that nobody dominates and that have a verdict."""
        return tuple(p for p in self.points if not p.dominated_by and p.verdict is not VerdictName.REFUSED)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"effort": self.effort, "reward": self.reward, "points": [point.to_json() for point in self.points]}


def holding_family(spec: str, shares: Iterable[float] = (0.25, 0.5, 0.75)) -> list[str]:
    """Name the policies between a policy and never sending: ones that hold a share of its decisions.

    >>> holding_family("best_constant", [0.5])
    ['holding:0.5:best_constant']
    """
    return [f"holding:{share!r}:{spec}" for share in shares]


def _judged(point: ParetoPoint, others: Iterable[ParetoPoint]) -> ParetoPoint:
    better = [other for other in others if other is not point and _dominates(other, point)]
    surely = any(
        other.reward.low is not None and point.reward.high is not None and other.reward.low > point.reward.high
        for other in better
    )
    return replace(point, dominated_by=tuple(other.label for other in better), surely=surely)


def _dominates(one: ParetoPoint, other: ParetoPoint) -> bool:
    effort, reward = one.effort.value or 0.0, one.reward.value or 0.0
    theirs, earned = other.effort.value or 0.0, other.reward.value or 0.0
    return effort <= theirs and reward >= earned and (effort < theirs or reward > earned)
