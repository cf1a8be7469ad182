"""Everything a replay can be told besides policies, metrics and estimators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.errors import InvalidInput
from simulator.intervals import INTERVALS
from simulator.thresholds import Thresholds

__all__ = ["ReplaySettings"]


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """Checked settings of a replay; times are microseconds since the epoch.

    Attributes:
        objective: Outcome type → worth. When given, it is a metric of its own, and what best_constant maximises.
        split: How to part the rows that choose from the rows that judge: `user`, a share such as `0.5`, or a time.
        delay_us: How long outcomes take to be complete; rows younger than that are left out.
        as_of: Nothing decided or observed after this moment is used.
        start: Only rows decided at or after this moment.
        end: Only rows decided before this moment.
        where: SQL condition on the log's columns.
        by: Column to break the report down by.
        interval: Name of the interval.
        level: Its level, in (0, 1).
        resamples: Number of bootstrap resamples.
        cluster: Column to cluster by, instead of the user.
        seed: Of bootstrap weights and folds.
        reward_max: Revenue of one decision is cut off here.
        margin: Share of revenue that is earned.
        thresholds: Limits of the verdicts.
    """

    objective: Mapping[str, float] = field(default_factory=dict)
    split: str = "user"
    delay_us: int = 0
    as_of: int | None = None
    start: int | None = None
    end: int | None = None
    where: str | None = None
    by: str | None = None
    interval: str = "bootstrap_t"
    level: float = 0.95
    resamples: int = 1000
    cluster: str | None = None
    seed: int = 0
    reward_max: float | None = None
    margin: float = 1.0
    thresholds: Thresholds = field(default_factory=Thresholds)

    def __post_init__(self) -> None:
        if self.interval not in INTERVALS:
            known = ", ".join(INTERVALS)
            raise InvalidInput(f"expected one of {known}; got {self.interval!r}", field="--interval")
        _inside("--level", self.level, 0.5, 0.9999)
        _inside("--resamples", self.resamples, 100, 100_000)
        _inside("--margin", self.margin, 0.0, 1.0)
        if self.reward_max is not None:
            _inside("--reward-max", self.reward_max, 1e-9, 1e15)


def _inside(name: str, value: float, low: float, high: float) -> None:
    # Written so that NaN is refused.
    if not low <= value <= high:
        raise InvalidInput(f"expected a number from {low:g} to {high:g}, got {value:g}; change it", field=name)
