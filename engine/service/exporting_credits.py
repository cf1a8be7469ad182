"""Which outcomes belong to which decisions, over a whole journal and in bounded memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.core.decision import Decision
from engine.core.join_rule import JoinRule, claims_by_user
from engine.core.joined_decision import Credit
from engine.core.outcome import Outcome, OutcomeType
from engine.journal import Position

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE decisions (id TEXT PRIMARY KEY, user TEXT, at INTEGER, claims INTEGER,
    chain TEXT, segment INTEGER, place INTEGER) WITHOUT ROWID;
CREATE TABLE outcomes (n INTEGER PRIMARY KEY, id TEXT UNIQUE, type TEXT, at INTEGER, value REAL,
    decision TEXT, user TEXT, reason TEXT);
CREATE TABLE credits (decision TEXT, n INTEGER, value REAL, rule TEXT, PRIMARY KEY (decision, n)) WITHOUT ROWID;
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class CreditTable:
    """A scratch database of decisions (without their contexts) and outcomes, and of who is credited with what.

    The rule is the join's, applied to everything that is known: late outcomes count here, and a decision that was
    reported after its rival had matured claims what is its own.

    Args:
        path: A file that does not exist yet; the caller removes it.
        rule: Horizons and attribution.
    """

    def __init__(self, path: Path, rule: JoinRule) -> None:
        self._rule = rule
        self._connection = sqlite3.connect(path)
        self._connection.executescript(_TABLES)

    def add(self, place: Position, record: Decision | Outcome) -> bool:
        """Take in a record, in the journal's order; say whether its id is new."""
        if isinstance(record, Decision):
            row: tuple[object, ...] = (
                record.id, record.user, _micros(record.decided_at), claims_by_user(record),
                place.chain, place.segment, place.offset,
            )  # fmt: skip
            sql = "INSERT OR IGNORE INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?)"
        else:
            row = (
                None, record.id, record.type.value, _micros(record.at), record.value,
                record.decision_id, record.user, record.reason,
            )  # fmt: skip
            sql = "INSERT OR IGNORE INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        return self._connection.execute(sql, row).rowcount == 1

    def settle(self) -> int:
        """Credit every outcome.

        Returns:
            How many outcomes no decision was credited with.
        """
        connection = self._connection
        connection.execute("CREATE INDEX of_user ON decisions (user, at, id) WHERE claims")
        connection.executemany("INSERT INTO credits VALUES (?, ?, ?, ?)", self._credits())
        query = "SELECT count(*) FROM outcomes WHERE n NOT IN (SELECT n FROM credits)"
        return int(connection.execute(query).fetchone()[0])

    def is_first(self, place: Position, decision: Decision) -> bool:
        """Whether this record was the first with the decision's id."""
        query = "SELECT chain, segment, place FROM decisions WHERE id = ?"
        found = self._connection.execute(query, (decision.id,)).fetchone()
        return found == (place.chain, place.segment, place.offset)

    def credits(self, decision_id: str) -> list[Credit]:
        """What a decision is credited with, in the journal's order."""
        query = """SELECT o.id, type, at, c.value, o.decision, user, reason, rule
            FROM credits c JOIN outcomes o USING (n) WHERE c.decision = ? ORDER BY n"""
        return [
            Credit(Outcome(id, "", OutcomeType(kind), _moment(at), value, named, user, reason), rule)
            for id, kind, at, value, named, user, reason, rule in self._connection.execute(query, (decision_id,))
        ]

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def _credits(self) -> Iterator[tuple[str, int, float, str]]:
        query = "SELECT n, id, type, at, value, decision, user FROM outcomes"
        with closing(self._connection.execute(query)) as rows:
            for n, id, kind, at, value, named, user in rows:
                outcome = Outcome(id, "", OutcomeType(kind), _moment(at), value, named, user)
                for decision_id, credit in self._named(outcome) if named else self._claimed(outcome):
                    yield decision_id, n, credit.outcome.value, credit.attribution

    def _named(self, outcome: Outcome) -> Iterable[tuple[str, Credit]]:
        found = self._connection.execute("SELECT at FROM decisions WHERE id = ?", (outcome.decision_id,)).fetchone()
        if found is not None and self._rule.covers(_moment(found[0]), outcome):
            yield outcome.decision_id, Credit(outcome, "id")

    def _claimed(self, outcome: Outcome) -> Iterable[tuple[str, Credit]]:
        at = _micros(outcome.at)
        earliest = at - self._rule.horizons[outcome.type] // _MICROSECOND
        query = """SELECT id FROM decisions WHERE user = ? AND claims AND at BETWEEN ? AND ?
            ORDER BY at DESC, id DESC"""
        for i, (decision_id,) in enumerate(self._connection.execute(query, (outcome.user, earliest, at))):
            credit = self._rule.credit(outcome, latest=i == 0, paid=False)
            if credit is not None:
                yield decision_id, credit
            elif self._rule.attribution == "last":
                return


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND
