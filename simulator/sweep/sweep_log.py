"""A log of one or more files that every process can open for itself."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from simulator.log import NO_TIME, Log
from simulator.log_file import LogFile
from simulator.log_source import LogSource
from simulator.unusable_log import UnusableLog

__all__ = ["SweepLog"]

_BLOCK = 1 << 22
#: A step of the clock of a log without times: a row a second.
_STEP = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class SweepLog:
    """Files that are read as one log: one vocabulary of arms, the same columns in every chunk.

    It holds no rows and is small when pickled; each process opens the files that it works on and keeps the last few.

    Attributes:
        paths: The files, earliest decisions first.
        arms: See `LogSource`.
        catalogue: See `LogSource`.
        warnings: See `LogSource`.
        columns: Fields beyond those of the format that are kept.
        contexts: Attributes of any file.
        extras: Other fields of any file.
        starts: How many rows stand before each file.
        timed: Whether rows pass by their own time; else by their place, a second each.
        only: Which of the files to read; all of them when None.
    """

    paths: tuple[Path, ...]
    arms: tuple[str, ...]
    catalogue: Mapping[str, Mapping[str, Any]]
    warnings: tuple[str, ...]
    columns: tuple[str, ...]
    contexts: tuple[str, ...]
    extras: tuple[str, ...]
    starts: tuple[int, ...]
    timed: bool = True
    only: int | None = None

    @classmethod
    def of(cls, paths: Sequence[Path], columns: Sequence[str] = ()) -> SweepLog:
        """Look over the files.

        Raises:
            UnusableLog: When a file is no log, decisions occur in two files, or embeddings differ in width.
        """
        kept = tuple(columns)
        looks = sorted((_Look.at(path, kept) for path in paths), key=lambda look: look.first)
        _check(looks)
        arms = tuple(dict.fromkeys(arm for look in looks for arm in look.log.arms))
        return cls(
            paths=tuple(look.path for look in looks),
            arms=arms,
            catalogue={arm: facts for look in looks for arm, facts in look.log.catalogue.items()},
            warnings=tuple(dict.fromkeys(warning for look in looks for warning in look.log.warnings)),
            columns=kept,
            contexts=tuple(dict.fromkeys(name for look in looks for name in look.contexts)),
            extras=tuple(dict.fromkeys(name for look in looks for name in look.extras)),
            starts=tuple(np.cumsum([0, *(look.rows for look in looks[:-1])]).tolist()),
        )

    @property
    def source(self) -> str:
        """See `LogSource`."""
        return str(self.paths[0]) if len(self.paths) == 1 else f"{self.paths[0].parent}: {len(self.paths)} files"

    def in_order(self) -> SweepLog:
        """Let rows pass by their place instead of their time; outcomes are then as old as their decision."""
        return replace(self, timed=False)

    def part(self, number: int) -> SweepLog:
        """Read one of the files alone."""
        return replace(self, only=number)

    def chunks(self) -> Iterator[Log]:
        """See `LogSource`."""
        for number in range(len(self.paths)) if self.only is None else (self.only,):
            opened, row = _opened(self.paths[number], self.columns), self.starts[number]
            places = {arm: place for place, arm in enumerate(self.arms)}
            code = np.array([places[arm] for arm in opened.arms], dtype=np.int32)
            for chunk in opened.chunks():
                yield self._one_of_all(chunk, code, row)
                row += chunk.rows

    def _one_of_all(self, chunk: Log, code: np.ndarray, row: int) -> Log:
        nothing = np.full(chunk.rows, None, dtype=object)
        whole = replace(
            chunk,
            arms=self.arms,
            catalogue=self.catalogue,
            arm=code[chunk.arm],
            eligible=code[chunk.eligible],
            context=chunk.context.widened(list(self.contexts), chunk.rows),
            extra={name: chunk.extra.get(name, nothing) for name in self.extras},
            first=row,
        )
        if self.timed:
            return whole
        never = np.full(chunk.rows, NO_TIME, dtype=np.int64)
        outcomes = replace(chunk.outcomes, at=np.full(chunk.outcomes.at.size, NO_TIME, dtype=np.int64))
        passed = (row + np.arange(chunk.rows, dtype=np.int64)) * _STEP
        return replace(whole, decided_at=passed, observed_until=never, outcomes=outcomes)

    def digest(self) -> str:
        """Name the content of the files and of what stands beside them, whatever they are called."""
        total = hashlib.blake2b(digest_size=16)
        for path in self.paths:
            for file in (path, Path(f"{path}.catalogue.json")):
                own = hashlib.blake2b(digest_size=16)
                if file.exists():
                    with file.open("rb") as content:
                        while block := content.read(_BLOCK):
                            own.update(block)
                total.update(own.digest())
        return total.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    path: Path
    log: LogSource
    first: tuple[int, str]
    rows: int
    contexts: tuple[str, ...]
    extras: tuple[str, ...]
    width: int | None
    ids: np.ndarray

    @classmethod
    def at(cls, path: Path, columns: tuple[str, ...]) -> _Look:
        log = _opened(path, columns)
        rows, first, ids = 0, np.iinfo(np.int64).max, []
        width: int | None = None
        contexts: tuple[str, ...] = ()
        extras: tuple[str, ...] = ()
        for chunk in log.chunks():
            rows += chunk.rows
            first = min(first, int(chunk.decided_at.min()))
            contexts, extras = tuple(chunk.context), tuple(chunk.extra)
            width = None if chunk.embedding is None else chunk.embedding.shape[1]
            ids.append(np.array([hash(one) for one in chunk.decision_ids], dtype=np.int64))
        return cls(path, log, (first, path.name), rows, contexts, extras, width, np.concatenate(ids))


def _check(looks: Sequence[_Look]) -> None:
    widths = {look.width for look in looks}
    if len(widths) > 1:
        told = ", ".join(f"{look.width or 0} in {look.path.name}" for look in looks)
        raise UnusableLog("embeddings of one width", told, "use one embedding model", field="embedding")
    if len(looks) > 1:
        hashes = np.sort(np.concatenate([look.ids for look in looks]))
        repeated = int((hashes[1:] == hashes[:-1]).sum())
        if repeated:
            raise UnusableLog(
                "decisions in one file only",
                f"{repeated} that occur in two",
                "remove the repeats",
                field="decision_id",
            )


@lru_cache(maxsize=4)
def _opened(path: Path, columns: tuple[str, ...]) -> LogSource:
    """Open a file, or a log in memory that was laid down for other processes."""
    if path.suffix == ".pickle":
        log: Log = pickle.loads(path.read_bytes())
        return log
    return LogFile(path, columns)
