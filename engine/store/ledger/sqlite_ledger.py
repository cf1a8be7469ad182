"""The ledger of one host, in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from engine.store.database import Database
from engine.store.ledger.checkpoint import Checkpoint
from engine.store.ledger.holding import Holding
from engine.store.ledger.request import Request
from engine.store.ledger.statement import Statement
from engine.store.ledger.turn import is_new, leased, returned, taken_over

_APPLICATION_ID = 0x41524D31
_TABLES = """
CREATE TABLE IF NOT EXISTS accounts (
    account TEXT PRIMARY KEY, amount INTEGER NOT NULL, revision INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS holdings (
    account TEXT NOT NULL, holder TEXT NOT NULL, epoch INTEGER NOT NULL, number INTEGER NOT NULL,
    granted INTEGER NOT NULL, returned INTEGER NOT NULL, checkpoint TEXT, PRIMARY KEY (account, holder)
) STRICT
"""


class SqliteLedger:
    """See `Ledger`. The processes of a host share one file; several requests are one transaction."""

    def __init__(self, path: Path) -> None:
        """Open the database.

        Raises:
            CorruptState: If the file is not a ledger.
            UnsupportedVersion: If a newer armsreach made it.
            Unavailable: If another process keeps it locked.
        """
        self._database = Database(path, _APPLICATION_ID, _TABLES)

    def open(self, holder: str, accounts: Sequence[str]) -> list[Holding]:
        """See `Ledger`."""
        with self._database.writing() as connection:
            for account in accounts:
                connection.execute(
                    "INSERT INTO holdings VALUES (?, ?, 1, 0, 0, 0, NULL)"
                    " ON CONFLICT (account, holder) DO UPDATE SET epoch = epoch + 1, number = 0",
                    (account, holder),
                )
            return [_holding(connection, account, holder) for account in accounts]

    def lease(self, holder: str, requests: Sequence[Request]) -> list[Holding]:
        """See `Ledger`."""

        def carry_out(connection: sqlite3.Connection, request: Request, holding: Holding, total: int) -> Holding:
            return leased(request, holding, _amount(connection, request), total)

        return self._all(holder, requests, carry_out)

    def give_back(self, holder: str, requests: Sequence[Request]) -> list[Holding]:
        """See `Ledger`."""
        return self._all(holder, requests, lambda _, request, holding, total: returned(request, holding, total))

    def checkpoint(self, holder: str, epochs: Mapping[str, int], checkpoints: Mapping[str, Checkpoint]) -> None:
        """See `Ledger`."""
        with self._database.writing() as connection:
            for account, checkpoint in checkpoints.items():
                changed = connection.execute(
                    "UPDATE holdings SET checkpoint = ? WHERE account = ? AND holder = ? AND epoch = ?",
                    (checkpoint.dumps(), account, holder, epochs[account]),
                ).rowcount
                if not changed:
                    raise taken_over(holder, account)

    def checkpoints(self, account: str) -> Mapping[str, Checkpoint]:
        """See `Ledger`."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT holder, checkpoint FROM holdings WHERE account = ? AND checkpoint IS NOT NULL", (account,)
            ).fetchall()
        return {holder: Checkpoint.loads(text) for holder, text in rows}

    def statement(self, account: str) -> Statement:
        """See `Ledger`."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT granted - returned, checkpoint FROM holdings WHERE account = ?", (account,)
            ).fetchall()
        spent = sum(Checkpoint.loads(text).spent for _, text in rows if text is not None)
        return Statement(sum(net for net, _ in rows), spent, len(rows))

    def close(self) -> None:
        """See `Ledger`."""
        self._database.close()

    def _all(
        self,
        holder: str,
        requests: Sequence[Request],
        carry_out: Callable[[sqlite3.Connection, Request, Holding, int], Holding],
    ) -> list[Holding]:
        holdings = []
        with self._database.writing() as connection:
            for request in requests:
                holding = _holding(connection, request.account, holder)
                if is_new(holder, request, holding):
                    holding = carry_out(connection, request, holding, _leased(connection, request.account))
                    connection.execute(
                        "UPDATE holdings SET number = ?, granted = ?, returned = ? WHERE account = ? AND holder = ?",
                        (holding.number, holding.granted, holding.returned, request.account, holder),
                    )
                holdings.append(holding)
        return holdings


def _holding(connection: sqlite3.Connection, account: str, holder: str) -> Holding:
    row = connection.execute(
        "SELECT epoch, number, granted, returned, checkpoint FROM holdings WHERE account = ? AND holder = ?",
        (account, holder),
    ).fetchone()
    if row is None:
        return Holding(0, 0, 0, 0)
    epoch, number, granted, returned, checkpoint = row
    return Holding(epoch, number, granted, returned, None if checkpoint is None else Checkpoint.loads(checkpoint))


def _leased(connection: sqlite3.Connection, account: str) -> int:
    row = connection.execute(
        "SELECT coalesce(sum(granted - returned), 0) FROM holdings WHERE account = ?", (account,)
    ).fetchone()
    return int(row[0])


def _amount(connection: sqlite3.Connection, request: Request) -> int:
    """The amount that the latest revision set."""
    connection.execute(
        "INSERT INTO accounts VALUES (?, ?, ?) ON CONFLICT (account) DO UPDATE"
        " SET amount = excluded.amount, revision = excluded.revision WHERE excluded.revision >= revision",
        (request.account, request.amount, request.revision),
    )
    row = connection.execute("SELECT amount FROM accounts WHERE account = ?", (request.account,)).fetchone()
    return int(row[0])
