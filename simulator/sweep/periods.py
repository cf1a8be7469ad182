"""The three periods of a sweep: rows that teach, rows that choose, rows that confirm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray, FloatArray, IntArray
from simulator.clusters import Membership
from simulator.horizons import Horizons
from simulator.keyed_hash import hash_strings, mix, uniform
from simulator.log import NO_TIME, Log
from simulator.log_facts import LogFacts
from simulator.sweep.space import Parted
from simulator.sweep.sweep_log import SweepLog
from simulator.timestamps import rfc3339

__all__ = ["Chosen", "Period", "Periods"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_NEVER = int(np.iinfo(np.int64).max)


class Period(StrEnum):
    """What a row is for."""

    TRAIN = "train"
    SELECT = "select"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Periods:
    """Which rows are in which period, and in which part of it a rung uses.

    In time, train comes first and confirm last, and between two periods lies an embargo of one horizon: rows whose
    outcomes count into the next period are in neither, so that no period knows of the next. Rungs use the last part
    of train and the first part of select, the two ends that meet. By users, each user is in one period by hash: there
    is no embargo, models see later decisions of other users, and users must not influence one another.

    Attributes:
        by: `time`, `order` or `users`.
        edges: Where select and confirm begin: moments in microseconds since the epoch, or shares of the users.
        horizon_us: The embargo; 0 by order and by users.
        last: Until when outcomes of the log are known, where rows do not say.
        train_from: Rung → where its part of train begins; moment or share.
        select_to: Rung → where its part of select ends; moment or share.
        seed: Of the hash of users.
    """

    by: str
    edges: tuple[float, float]
    horizon_us: int
    last: int
    train_from: tuple[float, ...]
    select_to: tuple[float, ...]
    seed: int = 0

    @classmethod
    def of(
        cls, log: SweepLog, facts: LogFacts, how: Parted, horizon_us: int, fractions: tuple[float, ...], seed: int
    ) -> Periods:
        """Part a log.

        Args:
            log: The log; by order, with a clock of its own.
            facts: What is known of its valued rows.
            how: As the space file says.
            horizon_us: How long outcomes take to be complete.
            fractions: Share of train and of select that each rung uses, rising to 1.
            seed: Of the hash of users.

        Raises:
            InvalidInput: When a period is left without decisions.
        """
        if how.by == "users":
            first, second = how.train, how.train + how.select
            return cls(
                by="users",
                edges=(first, second),
                horizon_us=0,
                last=_NEVER,
                train_from=tuple(first * (1.0 - share) for share in fractions),
                select_to=tuple(first + how.select * share for share in fractions),
                seed=seed,
            )
        order = np.argsort(facts.decided_at, kind="stable")
        at, passed = facts.decided_at[order], np.cumsum(facts.count[order]) / facts.count.sum()
        if how.select_from is not None and how.confirm_from is not None:
            edges = (_moment(how.select_from), _moment(how.confirm_from))
        else:
            edges = (_at_share(at, passed, how.train), _at_share(at, passed, how.train + how.select))
        wait = horizon_us if log.timed else 0
        last = _last_moment(log)
        train, select = at + wait <= edges[0], (at >= edges[0]) & (at + wait <= edges[1])
        for name, rows in (("train", train), ("select", select), ("confirm", at >= edges[1])):
            if not rows.any():
                raise InvalidInput(
                    f"expected decisions in the {name} period, got none beside an embargo of {wait / _SECOND:,.0f} s; "
                    "take a longer log, a shorter --delay or other periods",
                    field="periods",
                )
        return cls(
            by="time" if log.timed else "order",
            edges=(float(edges[0]), float(edges[1])),
            horizon_us=wait,
            last=last,
            train_from=tuple(float(_cut(at[train], 1.0 - share)) for share in fractions),
            select_to=tuple(float(edges[1]) if share == 1.0 else float(_cut(at[select], share)) for share in fractions),
        )

    def rows(self, log: Log, period: Period, rung: int) -> BoolArray:
        """Say which rows of a chunk are in a period, as far as a rung uses it, shape (n,)."""
        if self.by == "users":
            at: FloatArray | IntArray = self._dealt(log)
            low, high = self._span(period, rung)
            return np.asarray((at >= low) & (at < high))
        at = log.decided_at
        low, high = self._span(period, rung)
        complete = self._complete_by(log, period)
        return np.asarray((at >= low) & (at < high) & (at + self.horizon_us <= complete))

    def until(self) -> int | None:
        """Say by when the outcomes of a lesson have to be complete; None by users."""
        return None if self.by == "users" else int(self.edges[0])

    def told(self) -> dict[str, Any]:
        """Plain data for reports."""
        if self.by == "users":
            return {"by": "users", "select_from": None, "confirm_from": None, "embargo_s": 0.0}
        edges = [rfc3339(int(edge)) if self.by == "time" else int(edge) // _SECOND for edge in self.edges]
        return {
            "by": self.by,
            "select_from": edges[0],
            "confirm_from": edges[1],
            "embargo_s": self.horizon_us / _SECOND,
        }

    def _span(self, period: Period, rung: int) -> tuple[float, float]:
        if period is Period.TRAIN:
            return self.train_from[rung], self.edges[0]
        if period is Period.SELECT:
            return self.edges[0], self.select_to[rung]
        return self.edges[1], 1.0 if self.by == "users" else float(_NEVER)

    def _complete_by(self, log: Log, period: Period) -> IntArray | int:
        if period is Period.TRAIN:
            return int(self.edges[0])
        known = np.where(log.observed_until == NO_TIME, self.last, log.observed_until)
        return known if period is Period.CONFIRM else np.minimum(known, int(self.edges[1]))

    def _dealt(self, log: Log) -> FloatArray:
        salt = hash_strings([f"sweep:{self.seed}"])[0]
        return uniform(mix(Membership.of(log).label ^ salt))


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The valued rows of one period of a log, as a log.

    Attributes:
        log: The whole log.
        periods: How it is parted.
        period: Which of them.
        rung: As far as which rung uses it.
        horizons: How long outcomes count.
        kinds: Outcome types that matter; those of these types that come after their horizon are dropped.
    """

    log: SweepLog
    periods: Periods
    period: Period
    rung: int
    horizons: Horizons
    kinds: tuple[str, ...]

    @property
    def source(self) -> str:
        """See `LogSource`."""
        return self.log.source

    @property
    def arms(self) -> tuple[str, ...]:
        """See `LogSource`."""
        return self.log.arms

    @property
    def catalogue(self) -> Mapping[str, Mapping[str, Any]]:
        """See `LogSource`."""
        return self.log.catalogue

    @property
    def warnings(self) -> tuple[str, ...]:
        """See `LogSource`."""
        return self.log.warnings

    def part(self, number: int) -> Chosen:
        """Take the rows of one file."""
        return Chosen(self.log.part(number), self.periods, self.period, self.rung, self.horizons, self.kinds)

    def chunks(self) -> Iterator[Log]:
        """See `LogSource`."""
        for chunk in self.log.chunks():
            kept = chunk.select(chunk.valued & self.periods.rows(chunk, self.period, self.rung))
            if kept.rows:
                yield self.horizons.within(kept, self.kinds) if self.log.timed else kept


def _moment(at: datetime) -> int:
    return round((at - _EPOCH).total_seconds() * _SECOND)


def _at_share(at: IntArray, passed: FloatArray, share: float) -> int:
    """Give the moment of the first decision after a share of all."""
    return int(at[min(int(np.searchsorted(passed, share, side="right")), at.size - 1)])


def _cut(at: IntArray, share: float) -> int:
    """Give the moment before which this share of some moments in order lies."""
    return int(at[min(int(np.ceil(share * at.size)), at.size - 1)])


def _last_moment(log: SweepLog) -> int:
    ends = [max(int(c.decided_at.max()), int(c.outcomes.at.max(initial=NO_TIME))) for c in log.chunks()]
    return max(ends, default=NO_TIME)
