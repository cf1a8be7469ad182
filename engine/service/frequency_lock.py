"""The locks of several frequency tables, as one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType

from engine.store.tables import FrequencyTable


class FrequencyLock(AbstractContextManager[None]):
    """Takes tables' locks, each once, in the order given, which is the same everywhere."""

    def __init__(self, tables: Sequence[FrequencyTable]) -> None:
        self._locks = tuple(dict.fromkeys(table.lock for table in tables))

    def __enter__(self) -> None:
        for lock in self._locks:
            lock.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for lock in reversed(self._locks):
            lock.__exit__(kind, error, trace)
