"""The typed result of a plan, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.planning.traffic import Traffic
from simulator.report.replay_report import Estimate
from simulator.verdict import Verdict

__all__ = ["FloorPlan", "Plan", "PolicyPlan", "Wait"]

SCHEMA = "armsreach.plan.v1"


@dataclass(frozen=True, slots=True)
class Wait:
    """How many more units of traffic until something holds: 0 when it does, None when traffic will not do it."""

    units: float | None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"units": self.units, **({} if self.reason is None else {"reason": self.reason})}


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """What a log of the same length and shoppers would say under another exploration floor.

    Attributes:
        floor: Its share in all.
        user_ess: Expected.
        reward_ess: Expected; None where the log never plays what the policy plays, so that it cannot be told.
        half_width: Half of the interval of the policy's value, self-normalised, at the level asked for.
        trusted_after: Units of traffic from the first decision on until `trusted`; None when never.
        logged_change: How the logging policy's own value would have changed, as a share of today's: the price.
    """

    floor: float
    user_ess: float
    reward_ess: float | None
    half_width: float | None
    trusted_after: float | None
    logged_change: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {name: getattr(self, name) for name in type(self).__slots__}


@dataclass(frozen=True, slots=True)
class PolicyPlan:
    """One policy.

    Attributes:
        policy: Its SPEC.
        verdict: Today's.
        value: Today's estimate.
        half_width: Half of its interval.
        user_ess: Today's.
        reward_ess: Today's.
        user_ess_per_unit: Growth.
        reward_ess_per_unit: Growth.
        until_weak: Until a verdict is no longer refused.
        until_trusted: Until it is trusted.
        difference: Paired difference to logged; None for logged itself.
        until_detected: Until a true lift of the size asked for is found.
        smallest_lift: Units from now → smallest relative lift on logged that is found; None where it has no value.
        floors: By candidate; empty where floors cannot be told apart.
        floor_needed: Smallest candidate that would have been trusted within the time asked for.
    """

    policy: str
    verdict: Verdict
    value: Estimate
    half_width: float | None
    user_ess: float
    reward_ess: float
    user_ess_per_unit: float
    reward_ess_per_unit: float
    until_weak: Wait
    until_trusted: Wait
    difference: Estimate | None
    until_detected: Wait | None
    smallest_lift: Mapping[float, float | None]
    floors: tuple[FloorPlan, ...]
    floor_needed: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "policy": self.policy,
            "verdict": self.verdict.name.value,
            "reasons": list(self.verdict.reasons),
            "value": self.value.to_json(),
            "half_width": self.half_width,
            "user_ess": self.user_ess,
            "reward_ess": self.reward_ess,
            "user_ess_per_unit": self.user_ess_per_unit,
            "reward_ess_per_unit": self.reward_ess_per_unit,
            "until_weak": self.until_weak.to_json(),
            "until_trusted": self.until_trusted.to_json(),
            "difference": None if self.difference is None else self.difference.to_json(),
            "until_detected": None if self.until_detected is None else self.until_detected.to_json(),
            "smallest_lift": [{"units": units, "lift": lift} for units, lift in self.smallest_lift.items()],
            "floors": [floor.to_json() for floor in self.floors],
            "floor_needed": self.floor_needed,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan.

    Attributes:
        metric: What is planned for.
        estimator: Whose variance is used.
        traffic: How fast the log grew.
        lift: Relative lift on logged that is to be found.
        power: Probability of finding it.
        level: Of tests and intervals.
        within: Units of traffic in which a floor has to lead to `trusted`.
        logged_floor: Floor of the log, given or read off; None where there is none to tell.
        policies: In the order asked for.
        notes: What a reader should know.
        summary: One sentence.
    """

    metric: str
    estimator: str
    traffic: Traffic
    lift: float
    power: float
    level: float
    within: float
    logged_floor: float | None
    policies: tuple[PolicyPlan, ...]
    notes: tuple[str, ...]
    summary: str

    def policy(self, spec: str) -> PolicyPlan:
        """Find a policy's plan by its SPEC.

        Raises:
            KeyError: When it was not planned for.
        """
        for planned in self.policies:
            if planned.policy == spec:
                return planned
        raise KeyError(spec)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "schema": SCHEMA,
            "summary": self.summary,
            "metric": self.metric,
            "estimator": self.estimator,
            "traffic": self.traffic.to_json(),
            "lift": self.lift,
            "power": self.power,
            "level": self.level,
            "within": self.within,
            "logged_floor": self.logged_floor,
            "policies": [planned.to_json() for planned in self.policies],
            "notes": list(self.notes),
        }
