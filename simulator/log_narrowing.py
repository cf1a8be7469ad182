"""Leaves out the rows and outcomes that a replay was told not to use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray, IntArray
from simulator.log import NO_TIME, Log
from simulator.log_columns import column_names, column_values
from simulator.replay_settings import ReplaySettings

__all__ = ["narrowed"]

_Mask = Callable[[Log, ReplaySettings], "BoolArray | None"]


def narrowed(log: Log, settings: ReplaySettings) -> Log:
    """Apply --as-of, --from, --to, --delay and --where; what they leave out is counted in the log's warnings.

    Raises:
        InvalidInput: When a setting needs times or columns that the log does not have, or nothing remains.
    """
    cuts: tuple[tuple[str, _Mask], ...] = (
        ("decided after --as-of", _known),
        ("outside --from and --to", _in_period),
        ("outcomes not yet complete (--delay)", _mature),
        ("outside --where", _where),
    )
    for what, mask in cuts:
        rows = mask(log, settings)
        if rows is None or rows.all():
            continue
        if not rows.any():
            raise InvalidInput(f"expected decisions to replay, got none: all are {what}; widen it", field=what)
        note = f"{int(log.count[~rows].sum())} decisions left out: {what}"
        log = replace(log.select(rows), warnings=(*log.warnings, note))
    return _observed(log, settings)


def _decided(log: Log, flag: str) -> IntArray:
    if bool((log.decided_at == NO_TIME).any()):
        raise InvalidInput(
            f"expected `decided_at` in every row, since {flag} was given; add it or drop {flag}", field=flag
        )
    return log.decided_at


def _known(log: Log, settings: ReplaySettings) -> BoolArray | None:
    return None if settings.as_of is None else np.asarray(_decided(log, "--as-of") <= settings.as_of)


def _in_period(log: Log, settings: ReplaySettings) -> BoolArray | None:
    rows: BoolArray | None = None
    if settings.start is not None:
        rows = np.asarray(_decided(log, "--from") >= settings.start)
    if settings.end is not None:
        before = np.asarray(_decided(log, "--to") < settings.end)
        rows = before if rows is None else rows & before
    return rows


def _mature(log: Log, settings: ReplaySettings) -> BoolArray | None:
    """Keep rows whose outcomes had the delay's time to arrive before the log (or --as-of) ends."""
    if not settings.delay_us:
        return None
    decided = _decided(log, "--delay")
    until = np.where(log.observed_until == NO_TIME, _last_moment(log), log.observed_until)
    if settings.as_of is not None:
        until = np.minimum(until, settings.as_of)
    return np.asarray(decided + settings.delay_us <= until)


def _last_moment(log: Log) -> int:
    return int(max(log.decided_at.max(), log.outcomes.at.max(initial=NO_TIME)))


def _where(log: Log, settings: ReplaySettings) -> BoolArray | None:
    if settings.where is None:
        return None
    names = column_names(log)
    columns = [pl.Series(name, list(column_values(log, name)), strict=False) for name in names]
    moments = pl.Series("decided_at", [None if at == NO_TIME else int(at) for at in log.decided_at], dtype=pl.Int64)
    frame = pl.DataFrame([*columns, moments.cast(pl.Datetime("us", "UTC"))])
    try:
        chosen = frame.select(pl.sql_expr(settings.where).alias("chosen"))["chosen"]
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise InvalidInput(
            f"expected an SQL condition on {', '.join([*names, 'decided_at'])}, got {settings.where!r} ({reason}); "
            "what the choice decided (arm, propensity, outcomes) cannot be selected by",
            field="--where",
        ) from error
    if chosen.dtype != pl.Boolean or len(chosen) != log.rows:
        raise InvalidInput(
            f"expected a condition that is true or false in each row, got {settings.where!r}; "
            "compare a column with a value, such as \"visits > 3 AND region = 'north'\"",
            field="--where",
        )
    return chosen.fill_null(False).to_numpy().astype(bool)


def _observed(log: Log, settings: ReplaySettings) -> Log:
    """Drop outcomes after --as-of; those without a time are kept, and said to be."""
    if settings.as_of is None:
        return log
    timeless = int(np.sum(log.outcomes.at == NO_TIME))
    kept = log.outcomes.keep(log.outcomes.at <= settings.as_of)
    notes = (f"{timeless} outcomes without a time were taken as seen by --as-of",) if timeless else ()
    return replace(log, outcomes=kept, warnings=(*log.warnings, *notes))
