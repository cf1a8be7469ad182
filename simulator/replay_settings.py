"""Everything a replay can be told besides policies, metrics and estimators."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.errors import InvalidInput
from simulator.horizons import Horizons
from simulator.intervals import INTERVALS
from simulator.thresholds import Thresholds

__all__ = ["ReplaySettings", "named_columns"]

_WORDS = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """Checked settings of a replay; times are microseconds since the epoch.

    Attributes:
        objective: Outcome type → worth. When given, it is a metric of its own, and what best_constant maximises.
        split: How to part the rows that choose from the rows that judge: `user`, a share such as `0.5`, a time, or
            `progressive`: policies that learn do so row by row, and choices are made as with `user`.
        horizons: How long after the decision outcomes of each type count; rows younger than the longest are left out.
        as_of: Nothing decided or observed after this moment is used.
        start: Only rows decided at or after this moment.
        end: Only rows decided before this moment.
        where: SQL condition on the log's columns.
        by: Column to break the report down by.
        interval: Name of the interval.
        level: Its level, in (0, 1).
        segments: Into how many segments the log is broken down, so that their intervals hold together.
        resamples: Number of bootstrap resamples.
        cluster: Column to cluster by, instead of the user.
        seed: Of bootstrap weights and folds.
        reward_max: Revenue of one decision is cut off here.
        floor: Least probability that any eligible arm could have had, as declared by whoever logged.
        model: Key of the reward model.
        fit: Which rows a model may learn from: `users`, those of other users, or `past`, those complete before.
        margin: Share of revenue that is earned.
        thresholds: Limits of the verdicts.
        pictures: Whether to add up what the HTML report draws; it takes about as long as another estimator.
    """

    objective: Mapping[str, float] = field(default_factory=dict)
    split: str = "progressive"
    horizons: Horizons = field(default_factory=Horizons)
    as_of: int | None = None
    start: int | None = None
    end: int | None = None
    where: str | None = None
    by: str | None = None
    interval: str = "bootstrap_t"
    level: float = 0.95
    segments: int = 1
    resamples: int = 1000
    cluster: str | None = None
    seed: int = 0
    reward_max: float | None = None
    floor: float | None = None
    model: str = "ridge"
    fit: str = "users"
    margin: float = 1.0
    thresholds: Thresholds = field(default_factory=Thresholds)
    pictures: bool = False

    @property
    def adjusted_level(self) -> float:
        """Level of a single interval by which those of all segments hold at once (Bonferroni)."""
        return 1.0 - (1.0 - self.level) / self.segments

    @property
    def delay_us(self) -> int:
        """How long outcomes take to be complete, in microseconds."""
        return max(self.horizons.default_us, *self.horizons.by_kind.values(), 0)

    def __post_init__(self) -> None:
        if self.interval not in INTERVALS:
            known = ", ".join(INTERVALS)
            raise InvalidInput(f"expected one of {known}; got {self.interval!r}", field="--interval")
        if self.fit not in ("users", "past"):
            raise InvalidInput(f"expected users or past, got {self.fit!r}", field="--fit")
        if self.floor is not None:
            _inside("--floor", self.floor, 1e-9, 1.0)
        _inside("--level", self.level, 0.5, 0.9999)
        _inside("--resamples", self.resamples, 100, 100_000)
        _inside("--margin", self.margin, 0.0, 1.0)
        if self.reward_max is not None:
            _inside("--reward-max", self.reward_max, 1e-9, 1e15)


def named_columns(settings: ReplaySettings) -> list[str]:
    """List the fields of a log that filters, groups and clusters may speak of; a word of `where` may be no field."""
    return [name for name in (settings.by, settings.cluster, *_WORDS.findall(settings.where or "")) if name]


def _inside(name: str, value: float, low: float, high: float) -> None:
    # Written so that NaN is refused.
    if not low <= value <= high:
        raise InvalidInput(f"expected a number from {low:g} to {high:g}, got {value:g}; change it", field=name)
