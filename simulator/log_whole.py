"""Puts chunks back together, for what needs a whole log in memory or in another order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from simulator.context_table import ContextTable, Factor
from simulator.log import Log
from simulator.log_source import LogSource
from simulator.outcome_table import OutcomeTable

__all__ = ["in_time_order", "whole"]


def whole(chunks: Iterable[Log]) -> Log:
    """Join consecutive chunks, at least one, which share a vocabulary of arms."""
    parts = list(chunks)
    if len(parts) == 1:
        return parts[0]
    last = parts[-1]
    places: dict[str, int] = {}
    users = [_renumbered(part.users, part.user, places) for part in parts]
    lengths = np.concatenate([part.lengths for part in parts])
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in (
            *("line", "decision_ids", "arm", "chosen", "propensity", "eligible", "probabilities", "count", "part"),
            *("mode", "decided_at", "observed_until"),
        )
    }
    return replace(
        last,
        **columns,
        offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        users=tuple(places),
        user=np.concatenate(users),
        outcomes=_outcomes(parts),
        context=ContextTable({name: _factor(parts, name) for name in _names(part.context for part in parts)}),
        embedding=None
        if last.embedding is None
        else np.concatenate([part.embedding for part in parts if part.embedding is not None]),
        extra={
            name: np.concatenate([_column(part, name) for part in parts])
            for name in _names(part.extra for part in parts)
        },
        first=parts[0].first,
    )


def in_time_order(log: LogSource) -> LogSource:
    """Give the log itself where its rows come in the order of their time, else a sorted copy in memory."""
    latest = None
    for chunk in log.chunks():
        moments = chunk.decided_at if latest is None else np.concatenate(([latest], chunk.decided_at))
        if bool((np.diff(moments) < 0).any()):
            joined = whole(log.chunks())
            return replace(joined.take(np.argsort(joined.decided_at, kind="stable")), warnings=log.warnings)
        latest = int(moments[-1])
    return log


def _renumbered(names: tuple[str, ...], code: np.ndarray, places: dict[str, int]) -> np.ndarray:
    of = np.array([*(places.setdefault(name, len(places)) for name in names), -1], dtype=np.int64)
    return np.asarray(of[code])


def _outcomes(parts: list[Log]) -> OutcomeTable:
    places: dict[str, int] = {}
    kinds = [_renumbered(part.outcomes.kinds, part.outcomes.kind, places) for part in parts]
    starts = np.cumsum([0, *(part.rows for part in parts[:-1])])
    rows = [part.outcomes.row + start for part, start in zip(parts, starts, strict=True)]
    return OutcomeTable(
        tuple(places),
        np.concatenate(rows),
        np.concatenate(kinds).astype(np.int32),
        np.concatenate([part.outcomes.value for part in parts]),
        np.concatenate([part.outcomes.at for part in parts]),
        np.concatenate([part.outcomes.identity for part in parts]),
    )


def _names(tables: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for table in tables for name in table))


def _factor(parts: list[Log], name: str) -> Factor:
    place: dict[tuple[type, object], int] = {}
    codes = []
    for part in parts:
        own = part.context.widened([name], part.rows).factor(name)
        of = [place.setdefault((type(level), level), len(place)) for level in own.levels]
        codes.append(np.array([*of, -1], dtype=np.int32)[own.codes])
    levels = np.empty(len(place), dtype=object)
    levels[:] = [level for _, level in place]
    return Factor(levels, np.concatenate(codes))


def _column(part: Log, name: str) -> np.ndarray:
    return part.extra[name] if name in part.extra else np.full(part.rows, None, dtype=object)
