"""Leaves out the rows and outcomes that a replay was told not to use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray, IntArray
from simulator.log import NO_TIME, Log
from simulator.log_columns import column_names, column_values
from simulator.log_source import LogSource
from simulator.replay_settings import ReplaySettings

__all__ = ["Narrowed"]

#: A log is read in chunks, so that what looks at many rows would see some of them only.
_OF_MANY_ROWS = re.compile(
    r"(?i)\b(avg|sum|min|max|count|median|stddev\w*|var\w*|quantile\w*|first|last|row_number|rank|lag|lead)\s*\("
    r"|\bover\s*\(|\bselect\b"
)
_Mask = Callable[[Log], "BoolArray | None"]


class Narrowed:
    """A log after --as-of, --from, --to, --delay and --where; what they leave out is counted in its warnings.

    Args:
        log: The log.
        settings: What to leave out.

    Raises:
        InvalidInput: When a setting needs times or columns that the log does not have, or nothing remains.
    """

    def __init__(self, log: LogSource, settings: ReplaySettings) -> None:
        self._log, self._settings = log, settings
        self._last = _last_moment(log) if settings.delay_us else NO_TIME
        cuts: tuple[tuple[str, bool, _Mask], ...] = (
            ("decided after --as-of", settings.as_of is not None, self._known),
            ("outside --from and --to", (settings.start, settings.end) != (None, None), self._in_period),
            ("outcomes not yet complete (--delay)", settings.delay_us > 0, self._mature),
            ("outside --where", settings.where is not None, self._where),
        )
        self._cuts = [(what, mask) for what, wanted, mask in cuts if wanted]
        self._warnings = (*log.warnings, *self._counted()) if self._cuts else log.warnings

    @property
    def source(self) -> str:
        """See `LogSource`."""
        return self._log.source

    @property
    def arms(self) -> tuple[str, ...]:
        """See `LogSource`."""
        return self._log.arms

    @property
    def catalogue(self) -> Mapping[str, Mapping[str, Any]]:
        """See `LogSource`."""
        return self._log.catalogue

    @property
    def warnings(self) -> tuple[str, ...]:
        """See `LogSource`."""
        return self._warnings

    def chunks(self) -> Iterator[Log]:
        """See `LogSource`."""
        for chunk in self._log.chunks():
            kept = self._narrowed(chunk, {})
            if kept.rows:
                yield kept

    def _narrowed(self, log: Log, left_out: dict[str, int]) -> Log:
        for what, mask in self._cuts:
            rows = mask(log) if log.rows else None
            if rows is not None and not rows.all():
                left_out[what] = left_out.get(what, 0) + int(log.count[~rows].sum())
                log = log.select(rows)
        horizons = self._settings.horizons
        # Of all types that were stated, so that the longest horizon is the same for chunks that lack some of them.
        log = horizons.within(log, {*horizons.by_kind, *log.outcomes.kinds})
        as_of = self._settings.as_of
        return log if as_of is None else replace(log, outcomes=log.outcomes.keep(log.outcomes.at <= as_of))

    def _counted(self) -> list[str]:
        left_out: dict[str, int] = {}
        rows = timeless = 0
        for chunk in self._log.chunks():
            kept = self._narrowed(chunk, left_out)
            rows += kept.rows
            timeless += int(np.sum(kept.outcomes.at == NO_TIME))
        if not rows:
            what = max(left_out, key=lambda name: left_out[name])
            raise InvalidInput(f"expected decisions to replay, got none: all are {what}; widen it", field=what)
        notes = [f"{count} decisions left out: {what}" for what, count in left_out.items()]
        if timeless and self._settings.as_of is not None:
            notes.append(f"{timeless} outcomes without a time were taken as seen by --as-of")
        return notes

    def _known(self, log: Log) -> BoolArray | None:
        decided, as_of = _decided(log, "--as-of"), self._settings.as_of
        return None if as_of is None else np.asarray(decided <= as_of)

    def _in_period(self, log: Log) -> BoolArray | None:
        rows = np.ones(log.rows, dtype=bool)
        if self._settings.start is not None:
            rows &= _decided(log, "--from") >= self._settings.start
        if self._settings.end is not None:
            rows &= _decided(log, "--to") < self._settings.end
        return rows

    def _mature(self, log: Log) -> BoolArray | None:
        """Keep rows whose outcomes had the delay's time to arrive before the log (or --as-of) ends."""
        decided = _decided(log, "--delay")
        until = np.where(log.observed_until == NO_TIME, self._last, log.observed_until)
        if self._settings.as_of is not None:
            until = np.minimum(until, self._settings.as_of)
        return np.asarray(decided + self._settings.delay_us <= until)

    def _where(self, log: Log) -> BoolArray | None:
        return None if self._settings.where is None else _satisfied(log, self._settings.where)


def _decided(log: Log, flag: str) -> IntArray:
    if bool((log.decided_at == NO_TIME).any()):
        raise InvalidInput(
            f"expected `decided_at` in every row, since {flag} was given; add it or drop {flag}", field=flag
        )
    return log.decided_at


def _last_moment(log: LogSource) -> int:
    ends = [max(int(c.decided_at.max()), int(c.outcomes.at.max(initial=NO_TIME))) for c in log.chunks()]
    return max(ends, default=NO_TIME)


def _satisfied(log: Log, where: str) -> BoolArray:
    whole = _OF_MANY_ROWS.search(where)
    if whole:
        raise InvalidInput(
            f"expected a condition on each row by itself, got {whole[0].strip()!r} in {where!r}, which looks at "
            "others; compare with a number instead",
            field="--where",
        )
    names = column_names(log)
    columns = [pl.Series(name, list(column_values(log, name)), strict=False) for name in names]
    moments = pl.Series("decided_at", [None if at == NO_TIME else int(at) for at in log.decided_at], dtype=pl.Int64)
    frame = pl.DataFrame([*columns, moments.cast(pl.Datetime("us", "UTC"))])
    try:
        chosen = frame.select(pl.sql_expr(where).alias("chosen"))["chosen"]
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise InvalidInput(
            f"expected an SQL condition on {', '.join([*names, 'decided_at'])}, got {where!r} ({reason}); "
            "what the choice decided (arm, propensity, outcomes) cannot be selected by",
            field="--where",
        ) from error
    if chosen.dtype not in (pl.Boolean, pl.Null) or len(chosen) != log.rows:
        raise InvalidInput(
            f"expected a condition that is true or false in each row, got {where!r}; "
            "compare a column with a value, such as \"visits > 3 AND region = 'north'\"",
            field="--where",
        )
    return chosen.cast(pl.Boolean).fill_null(False).to_numpy().astype(bool)
