"""JSON documents by kind and id, each writing compared with what the writer had read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.core.errors import CorruptState, FailedPrecondition, InvalidInput
from engine.store.database import Database
from engine.store.document import Document

_APPLICATION_ID = 0x41524431
_TABLES = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX IF NOT EXISTS by_revision ON documents (revision)
"""


class DocumentStore:
    """Documents in SQLite, shared by the processes of a host.

    All documents count their revisions together, so that the highest one tells of any change. Not for the path of a
    request: a writing waits for the disk.
    """

    def __init__(self, path: Path) -> None:
        """Open the database.

        Raises:
            CorruptState: If the file is not a database of documents.
            UnsupportedVersion: If a newer armsreach made it.
            Unavailable: If another process keeps it locked.
        """
        self._path = path
        self._database = Database(path, _APPLICATION_ID, _TABLES)

    def put(self, kind: str, id: str, document: Mapping[str, Any], expected_revision: int | None = None) -> int:
        """Write a document, if it is still as the writer knew it.

        Args:
            kind: What it describes.
            id: Its name within the kind.
            document: JSON values only.
            expected_revision: The revision that was read; 0 for a document that must not exist yet; None to write
                whatever there is.

        Returns:
            The document's new revision.

        Raises:
            FailedPrecondition: If its revision is another one.
            InvalidInput: If the document is no JSON, as with a number that is not finite.
        """
        body = _dumps(document)
        with self._database.writing() as connection:
            row = connection.execute("SELECT revision FROM documents WHERE kind = ? AND id = ?", (kind, id)).fetchone()
            found = 0 if row is None else row[0]
            if expected_revision is not None and expected_revision != found:
                raise FailedPrecondition(
                    f"{kind} {id}: expected revision {expected_revision}, found {found or 'no document'};"
                    " read it again and repeat the change"
                )
            revision = 1 + int(connection.execute("SELECT coalesce(max(revision), 0) FROM documents").fetchone()[0])
            connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", (kind, id, revision, body))
        return revision

    def get(self, kind: str, id: str) -> Document | None:
        """One document; None if there is none."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT revision, body FROM documents WHERE kind = ? AND id = ?", (kind, id)
            ).fetchone()
        return None if row is None else self._document(kind, id, *row)

    def list(self, kind: str) -> list[Document]:
        """All documents of a kind, in order of their ids."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id, revision, body FROM documents WHERE kind = ? ORDER BY id", (kind,)
            ).fetchall()
        return [self._document(kind, *row) for row in rows]

    def revision_of_all(self) -> int:
        """A number that grows with any writing of any process; 0 without documents. Cheap enough to poll."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT coalesce(max(revision), 0) FROM documents").fetchone()
        return int(row[0])

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _document(self, kind: str, id: str, revision: int, body: str) -> Document:
        try:
            return Document(kind, id, revision, json.loads(body))
        except ValueError as error:
            raise CorruptState(f"{self._path}: {kind} {id}: expected JSON: {error}; restore it from a copy") from None


def _dumps(document: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(document), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"expected a JSON object: {error}", field="document") from None
