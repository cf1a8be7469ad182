"""The part of a log in which a column has one value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.context_table import level_text
from simulator.log import Log
from simulator.log_columns import column_values
from simulator.log_source import LogSource

__all__ = ["Group", "group_names"]


def group_names(log: Log, column: str) -> NDArray[np.object_]:
    """Name the group of each row of a chunk, `(none)` where the column is absent, shape (n,)."""
    return np.array([_named(value) for value in column_values(log, column)], dtype=object)


def _named(value: object) -> str:
    return "(none)" if value is None else level_text(value)


class Group:
    """A log narrowed to one group.

    Args:
        log: The log.
        column: Which column parts it.
        name: Which group; see `group_names`.
    """

    def __init__(self, log: LogSource, column: str, name: str) -> None:
        self._log, self._column, self._name = log, column, name

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
        return self._log.warnings

    def chunks(self) -> Iterator[Log]:
        """See `LogSource`."""
        for chunk in self._log.chunks():
            kept = chunk.select(group_names(chunk, self._column) == self._name)
            if kept.rows:
                yield kept
