"""What a profile folder is: how it was made, of what, and how it is to be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from engine.core.errors import CorruptState, UnsupportedVersion

SCHEMA = "armsreach.profiles.v1"
_FAMILY = "armsreach.profiles.v"


@dataclass(frozen=True, slots=True)
class ProfileManifest:
    """The manifest; mappings hold JSON values only.

    Attributes:
        generation: Counts builds and erasings; names the sub-folder with the files.
        created_at: RFC 3339.
        as_of: The present of the recency weights, RFC 3339.
        dimension: Of the vectors.
        settings: See `ProfileSettings`.
        key_fingerprint: Of the server's key, if shoppers are pseudonyms; else empty.
        sources: SHA-256 of a file that was read → its name.
        products: SHA-256 of the file of products; empty for none.
        fitted: When the models were fitted, on how many events, and with which libraries.
        counts: Of users, items, events and so on.
        report: Of the last cleaning.
        files: File → {bytes, sha256}.
    """

    generation: int
    created_at: str
    as_of: str
    dimension: int
    settings: Mapping[str, Any]
    key_fingerprint: str
    sources: Mapping[str, str]
    products: str
    fitted: Mapping[str, Any]
    counts: Mapping[str, int]
    report: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def dumps(self) -> bytes:
        """The file's bytes."""
        document = {"schema": SCHEMA, **dataclasses.asdict(self)}
        return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def loads(cls, data: bytes, file: str) -> ProfileManifest:
        """Read what `dumps` wrote.

        Raises:
            UnsupportedVersion: If a newer armsreach wrote it.
            CorruptState: If it is no such manifest.
        """
        try:
            document = orjson.loads(data)
        except ValueError:
            raise CorruptState(f"{file}: expected JSON; restore the folder, or build the profiles anew") from None
        schema = document.get("schema") if isinstance(document, dict) else None
        if schema != SCHEMA:
            if isinstance(schema, str) and schema.startswith(_FAMILY):
                raise UnsupportedVersion(f"{file}: {schema}, and this armsreach reads {SCHEMA}; upgrade armsreach here")
            raise CorruptState(f"{file}: expected schema {SCHEMA}, got {schema!r:.60}; this is no profile folder")
        expected = {item.name: item for item in dataclasses.fields(cls)}
        if missing := sorted(set(expected) - set(document)):
            raise CorruptState(f"{file}: expected {missing[0]}, found none; restore the folder, or build anew")
        return cls(**{name: document[name] for name in expected})
