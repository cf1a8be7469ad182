"""Plans a policy's verdict over candidate floors."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import norm

from engine.core.errors import InvalidInput
from simulator.log import Log
from simulator.planning.plan_report import FloorPlan
from simulator.planning.question import Question
from simulator.planning.refloored import Refloored, logged_floor
from simulator.planning.spread import Spread
from simulator.planning.traffic import Traffic
from simulator.thresholds import Thresholds

__all__ = ["floor_of_log", "floor_plans"]

_EXPLORES_THROUGHOUT = 0.99


def floor_of_log(log: Log, stated: float | None) -> tuple[float | None, str | None]:
    """Give the floor of a log as stated, or as its probabilities show; or why there is none to tell."""
    try:
        floor = logged_floor(log)
    except InvalidInput:
        return None, "floors cannot be compared: the log did not keep the probabilities of all eligible arms"
    if floor is None:
        return None, "floors cannot be compared: no live decision had a choice"
    if stated is not None:
        return stated, None
    if floor > _EXPLORES_THROUGHOUT:
        return None, "floors cannot be compared: the log explores throughout, there is no policy under its floor"
    return floor, f"the log's own floor was read off its probabilities: {floor:.2%} at most"


def floor_plans(
    question: Question,
    floor: float,
    candidates: Sequence[float],
    *,
    traffic: Traffic,
    level: float,
    thresholds: Thresholds,
    per_hold: bool,
    unsupported: bool,
) -> tuple[FloorPlan, ...]:
    """Work out what the log would have said for a policy under each candidate floor.

    Args:
        question: The policy and metric.
        floor: The floor under which the log was written.
        candidates: Others.
        traffic: How the decisions that judge the policy came.
        level: Of the half-widths.
        thresholds: What trusted means.
        per_hold: Whether the metric compares with hold, so that its own error says too little.
        unsupported: Whether the policy plays what the log never plays, so that its rewards were not seen.
    """
    log = Refloored.of(question, floor)
    quantile = float(norm.ppf((1 + level) / 2))
    plans = []
    for candidate in candidates:
        propensities = log.propensities(candidate)
        users, rewarded = log.users(propensities), log.rewarded(propensities)
        error = None if per_hold or unsupported else log.error(propensities)
        trusted = None
        if not unsupported:
            trusted = _trusted_after(users, thresholds.weak_user_ess, traffic)
            rewarded_after = _trusted_after(rewarded, thresholds.weak_reward_ess, traffic)
            trusted = None if trusted is None or rewarded_after is None else max(trusted, rewarded_after)
        plans.append(
            FloorPlan(
                floor=candidate,
                user_ess=users[0],
                reward_ess=None if unsupported else rewarded[0],
                half_width=None if error is None else quantile * error,
                trusted_after=trusted,
                logged_change=None if per_hold else log.logged_change(propensities),
            )
        )
    return tuple(plans)


def _trusted_after(size: tuple[float, Spread], limit: float, traffic: Traffic) -> float | None:
    """Give the units from the first decision on until an effective size reaches its limit."""
    now, spread = size
    if now <= 0.0:
        return None
    if limit <= now:
        return traffic.span * limit / now
    more = traffic.units(limit / now, spread)
    return None if more is None else traffic.span + more
