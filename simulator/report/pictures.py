"""What a report draws beside its values: plain numbers, made once and drawn by the page."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BarOfWeights", "CellSupport", "LogPictures", "PointInTime", "PolicyPictures", "Reliability"]


@dataclass(frozen=True, slots=True)
class BarOfWeights:
    """Share of decisions whose weight is in [low, high); `high` is None for the last bar."""

    low: float
    high: float | None
    share: float


@dataclass(frozen=True, slots=True)
class CellSupport:
    """How far the log supports a policy in one channel × slot cell; `hold` is a cell with an empty slot.

    Attributes:
        channel: Of the arms in the cell.
        slot: Likewise.
        logged: Share of decisions that the log played there.
        policy: Mean probability that the policy gives to it.
        ess: Effective number of decisions that speak for the policy there.
    """

    channel: str
    slot: str
    logged: float
    policy: float
    ess: float


@dataclass(frozen=True, slots=True)
class PointInTime:
    """A policy's value of the report's first metric in one period, with its interval."""

    start: str
    value: float | None
    low: float | None
    high: float | None
    decisions: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """Mean predicted and mean observed quantity of the decisions in one bin of predictions."""

    predicted: float
    observed: float
    decisions: int


@dataclass(frozen=True, slots=True)
class PolicyPictures:
    """Of one policy."""

    weights: tuple[BarOfWeights, ...]
    support: tuple[CellSupport, ...]
    over_time: tuple[PointInTime, ...]


@dataclass(frozen=True, slots=True)
class LogPictures:
    """Of the log: how well the reward model's predictions are calibrated, cross-fitted, for the first metric."""

    quantity: str
    calibration: tuple[Reliability, ...]
