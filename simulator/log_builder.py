"""Turns decoded records into the columns of a `Log`, refusing what the format does not allow."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.context_table import ContextTable
from simulator.log import MODES, NO_TIME, Log
from simulator.outcome_table import OutcomeTable
from simulator.record_check import RecordCheck

__all__ = ["LogBuilder"]

_KNOWN = frozenset(
    (
        "schema",
        "decision_id",
        "arm",
        "propensity",
        "eligible",
        "outcomes",
        "decided_at",
        "observed_until",
        "user",
        "mode",
        "context",
        "embedding",
        "probabilities",
        "arms",
        "count",
    )
)


class LogBuilder:
    """Appends records one by one; `build` seals the columns.

    Lists of eligible arms and vocabularies are interned, so that a million decisions over the same thirty arms cost
    one lookup each.

    Args:
        source: Where the records come from, for messages.
        arms: Arms that keep their places in the vocabulary.
        width: Numbers in every embedding, where records before these have any.
    """

    def __init__(self, source: str, arms: Sequence[str] = (), width: int | None = None) -> None:
        self._source = source
        self._check = RecordCheck(source, width)
        self._ids: dict[str, int] = {}
        self._arms: dict[str, int] = {name: code for code, name in enumerate(arms)}
        self._users: dict[str, int] = {}
        self._kinds: dict[str, int] = {}
        self._eligible_sets: dict[tuple[str, ...], tuple[array[int], dict[str, int]]] = {}
        self._arm, self._eligible, self._mode, self._kind = array("i"), array("i"), array("b"), array("i")
        self._chosen, self._length, self._count, self._user = array("q"), array("q"), array("q"), array("q")
        self._line, self._decided, self._observed = array("q"), array("q"), array("q")
        self._propensity, self._probabilities = array("d"), array("d")
        self._outcome_row, self._outcome_value, self._outcome_at = array("q"), array("d"), array("q")
        self._outcome_identity = array("q")
        self._embedding: list[list[float] | None] = []
        self._context: dict[str, list[Any]] = {}
        self._extra: dict[str, list[Any]] = {}
        self._catalogue: dict[str, Mapping[str, Any]] = {}
        self.repeated_outcomes = 0

    @property
    def rows(self) -> int:
        """Number of records taken so far."""
        return len(self._arm)

    def append(self, record: object, line: int) -> None:
        """Take one decoded record.

        Raises:
            UnusableLog: When the record breaks the format; the builder is of no more use then.
        """
        fields = self._check.begin(record, line)
        decision_id = self._check.text("decision_id")
        if decision_id in self._ids:
            self._check.refuse(
                "decision_id",
                "an id that occurs once",
                f"{decision_id!r}, also on line {self._ids[decision_id]}",
                "join outcomes to their decision before writing the log, or remove the repeat",
            )
        self._append_choice(line)
        self._append_probabilities()
        self._append_outcomes()
        self._append_person(fields)
        for name in fields.keys() - _KNOWN:
            _set(self._extra, name, self.rows - 1, fields[name])
        self._ids[decision_id] = line
        self._line.append(line)

    def _append_choice(self, line: int) -> None:
        check = self._check
        arm, eligible, propensity = check.text("arm"), check.eligible(), check.propensity()
        known = self._eligible_sets.get(eligible)
        if known is None:
            check.distinct(eligible)
            codes = array("i", [self._arms.setdefault(name, len(self._arms)) for name in eligible])
            known = codes, {name: place for place, name in enumerate(eligible)}
            self._eligible_sets[eligible] = known
        place = known[1].get(arm)
        if place is None:
            check.refuse("arm", "one of the row's eligible arms", repr(arm), "list the chosen arm in `eligible`")
            raise AssertionError(line)
        self._arm.append(known[0][place])
        self._chosen.append(place)
        self._eligible.extend(known[0])
        self._length.append(len(eligible))
        self._propensity.append(propensity)

    def _append_probabilities(self) -> None:
        self._probabilities.extend(self._check.probabilities(self._length[-1]))

    def _append_outcomes(self) -> None:
        row, seen = self.rows - 1, set()
        for outcome in self._check.outcomes():
            if outcome.outcome_id is not None:
                if outcome.outcome_id in seen:
                    self.repeated_outcomes += 1
                    continue
                seen.add(outcome.outcome_id)
            self._outcome_row.append(row)
            self._kind.append(self._kinds.setdefault(outcome.type, len(self._kinds)))
            self._outcome_value.append(outcome.value)
            self._outcome_at.append(outcome.at)
            self._outcome_identity.append(0 if outcome.outcome_id is None else hash(outcome.outcome_id) or 1)

    def _append_person(self, fields: Mapping[str, Any]) -> None:
        check, row = self._check, self.rows - 1
        user = check.optional_text("user")
        self._user.append(-1 if user is None else self._users.setdefault(user, len(self._users)))
        self._mode.append(check.mode(MODES))
        self._count.append(check.count())
        self._decided.append(check.time("decided_at", NO_TIME))
        self._observed.append(check.time("observed_until", NO_TIME))
        for name, value in check.context().items():
            _set(self._context, name, row, value)
        self._embedding.append(check.embedding())
        if fields.get("arms") is not None:
            self._catalogue.update(check.arms())

    def build(self, catalogue: Mapping[str, Mapping[str, Any]] | None = None) -> Log:
        """Seal the columns.

        Args:
            catalogue: What a file beside the log says of its arms; inline `arms` win.
        """
        n = self.rows
        warnings = []
        if self.repeated_outcomes:
            warnings.append(f"{self.repeated_outcomes} repeated outcomes (same outcome_id) were counted once")
        return Log(
            source=self._source,
            line=np.array(self._line, dtype=np.int64),
            decision_ids=_objects(list(self._ids)),
            arms=tuple(self._arms),
            arm=np.array(self._arm, dtype=np.int32),
            chosen=np.array(self._chosen, dtype=np.int64),
            propensity=np.array(self._propensity, dtype=np.float64),
            offsets=np.concatenate(([0], np.cumsum(np.array(self._length, dtype=np.int64)))).astype(np.int64),
            eligible=np.array(self._eligible, dtype=np.int32),
            probabilities=np.array(self._probabilities, dtype=np.float64),
            count=np.array(self._count, dtype=np.int64),
            part=np.zeros(n, dtype=np.int64),
            mode=np.array(self._mode, dtype=np.int8),
            users=tuple(self._users),
            user=np.array(self._user, dtype=np.int64),
            decided_at=np.array(self._decided, dtype=np.int64),
            observed_until=np.array(self._observed, dtype=np.int64),
            outcomes=OutcomeTable(
                kinds=tuple(self._kinds),
                row=np.array(self._outcome_row, dtype=np.int64),
                kind=np.array(self._kind, dtype=np.int32),
                value=np.array(self._outcome_value, dtype=np.float64),
                at=np.array(self._outcome_at, dtype=np.int64),
                identity=np.array(self._outcome_identity, dtype=np.int64),
            ),
            context=ContextTable.of({name: _padded(column, n) for name, column in self._context.items()}),
            embedding=_matrix(self._embedding),
            catalogue={**(catalogue or {}), **self._catalogue},
            extra={name: _objects(_padded(column, n)) for name, column in self._extra.items()},
            warnings=tuple(warnings),
        )


def _set(columns: dict[str, list[Any]], name: str, row: int, value: Any) -> None:
    column = columns.setdefault(name, [])
    _padded(column, row)
    column.append(value)


def _padded(column: list[Any], rows: int) -> list[Any]:
    column.extend([None] * (rows - len(column)))
    return column


def _objects(values: list[Any]) -> NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _matrix(rows: list[list[float] | None]) -> NDArray[np.float32] | None:
    """Stack embeddings, zeros where a row has none; None when no row has one."""
    width = next((len(row) for row in rows if row is not None), None)
    if width is None:
        return None
    return np.array([[0.0] * width if row is None else row for row in rows], dtype=np.float32)
