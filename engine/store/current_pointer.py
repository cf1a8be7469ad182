"""Which version is the champion, and how it came to be."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from engine.core.errors import CorruptState, UnsupportedVersion

SCHEMA = "armsreach.current.v1"

Kind = Literal["publish", "rollback", "promote"]
_KINDS = ("publish", "rollback", "promote")


@dataclass(frozen=True, slots=True)
class CurrentPointer:
    """The content of the `current` file.

    Attributes:
        version: The champion.
        epoch: Epoch the champion was published under. A server refuses one older than it has seen, unless `kind` is
            "rollback" or "promote": somebody then chose it.
        kind: How it became champion.
        fence: Highest epoch that ever published; a lease of a lower one publishes no more.
        sequence: Grows by one with every change of the pointer.
        by: Who rolled back or promoted; empty for a learner's publishing.
    """

    version: str
    epoch: int
    kind: Kind
    fence: int
    sequence: int
    by: str = ""

    def dumps(self) -> bytes:
        """The file's bytes."""
        fields = {"schema": SCHEMA, **asdict(self)}
        return json.dumps({**fields, "crc32": _crc(fields)}, sort_keys=True).encode()

    @classmethod
    def loads(cls, data: bytes, path: Path) -> CurrentPointer:
        """Read the file's bytes.

        Raises:
            UnsupportedVersion: If a newer armsreach wrote it.
            CorruptState: If it is no pointer or its checksum is off.
        """
        try:
            document = json.loads(data)
        except ValueError:
            raise _corrupt(path) from None
        if not isinstance(document, dict):
            raise _corrupt(path)
        schema = document.get("schema")
        if schema != SCHEMA and isinstance(schema, str) and schema.startswith("armsreach.current.v"):
            raise UnsupportedVersion(f"{path}: {schema}, and this armsreach reads {SCHEMA}; upgrade armsreach here")
        crc = document.pop("crc32", None)
        if schema != SCHEMA or crc != _crc(document) or document.get("kind") not in _KINDS:
            raise _corrupt(path)
        del document["schema"]
        try:
            return cls(**document)
        except TypeError:
            raise _corrupt(path) from None


def _crc(fields: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(fields, sort_keys=True).encode())


def _corrupt(path: Path) -> CorruptState:
    return CorruptState(f"{path}: expected {SCHEMA} with its checksum; roll back to a version to write it anew")
