"""A SQLite file of ours, opened with care."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.core.errors import CorruptState, Unavailable, UnsupportedVersion

BUSY_TIMEOUT_S = 10.0


class Database:
    """One connection in WAL mode; threads take turns, other processes have their own.

    Every transaction that returned is on disk (`synchronous = FULL`): no power cut takes a lease's epoch back.
    """

    def __init__(self, path: Path, application_id: int, tables: str) -> None:
        """Open the file, or make it.

        Args:
            path: The file; its folder is made if missing.
            application_id: Marks the file as ours and tells what is in it.
            tables: `CREATE TABLE IF NOT EXISTS` statements, version 1.

        Raises:
            CorruptState: If the file is no SQLite database, is damaged, or belongs to something else.
            UnsupportedVersion: If a newer armsreach made it.
            Unavailable: If another process keeps it locked, or the disk is full or failing.
        """
        self._path = path
        self._guard = threading.RLock()
        with self._translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
        try:
            with self._translated():
                self._prepare(application_id, tables)
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that no other writer interleaves with; committed on leaving, rolled back on an error.

        Raises:
            CorruptState: If the file is damaged.
            Unavailable: If another process keeps it locked, or the disk is full or failing.
        """
        with self._guard, self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one statement that reads.

        Raises:
            CorruptState: If the file is damaged.
            Unavailable: If another process keeps it locked, or the disk is failing.
        """
        with self._guard, self._translated():
            yield self._connection

    def close(self) -> None:
        """Close the connection; a second time does nothing."""
        with self._guard:
            self._connection.close()

    def _prepare(self, application_id: int, tables: str) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
        found = self._pragma("application_id")
        empty = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if found != application_id and not (found == 0 and empty):
            raise CorruptState(f"{self._path}: expected our own database, got another program's; give another path")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        with self.writing() as connection:
            version = self._pragma("user_version")
            if version > 1:
                raise UnsupportedVersion(
                    f"{self._path}: database version {version}, and this armsreach reads up to 1; upgrade armsreach"
                )
            if version == 0:
                for statement in filter(str.strip, tables.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {application_id}")
                connection.execute("PRAGMA user_version = 1")
        damage = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            raise CorruptState(f"{self._path}: the database is damaged ({damage}); restore it from a copy")

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # a fault of ours, such as use after closing, and not of the file
        except sqlite3.OperationalError as error:
            raise Unavailable(f"{self._path}: expected to use the database, got: {error}; try again") from error
        except sqlite3.DatabaseError as error:
            raise CorruptState(
                f"{self._path}: expected a SQLite database, got: {error}; restore it from a copy"
            ) from error
        except OSError as error:
            raise Unavailable(f"{self._path}: expected to make the folder, got: {error.strerror or error}") from error
