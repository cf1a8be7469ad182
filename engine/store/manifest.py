"""What a snapshot is: where it comes from, what it was trained on, and how it is to be read."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from engine.core.errors import CorruptState, InvalidInput, UnsupportedVersion

SCHEMA = "armsreach.snapshot.v1"
_OWN = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of one snapshot; mappings hold JSON values only.

    Attributes:
        version: The snapshot's name; empty before publishing, which then gives one.
        parent: Version that was current when training began; empty for the first.
        epoch: Epoch of the lease it was published under.
        campaign: The campaign's id.
        positions: Journal positions trained through, chain → {segment, offset}.
        watermark: Time up to which the journal was complete in training; None before any.
        horizon_s: Outcome type → seconds after the decision for which an outcome counts.
        vw: `version` of Vowpal Wabbit and its `options`.
        feature_schema: The schema of the shopper's attributes.
        catalogue: Digest of the catalogue trained on.
        objective: Weights of the outcomes and their scale to costs in [0, 1].
        exploration: Policy and its parameters, SquareCB's γ and t among them.
        floor: The exploration floor.
        learned: Number of decisions learned, t.
        created_at: Aware UTC.
        checksums: File → SHA-256 in hexadecimal; filled in by publishing.
    """

    version: str
    parent: str
    epoch: int
    campaign: str
    positions: Mapping[str, Any]
    watermark: datetime | None
    horizon_s: Mapping[str, float]
    vw: Mapping[str, Any]
    feature_schema: Mapping[str, Any]
    catalogue: str
    objective: Mapping[str, Any]
    exploration: Mapping[str, Any]
    floor: Mapping[str, Any]
    learned: int
    created_at: datetime
    checksums: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON object, fields in the order above.

        Raises:
            InvalidInput: If a time has no zone.
        """
        document: dict[str, Any] = {"schema": SCHEMA}
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            document[item.name] = _time_text(value, item.name) if isinstance(value, datetime) else value
        return document

    @classmethod
    def from_json(cls, document: object) -> Manifest:
        """Read what `to_json` wrote.

        Raises:
            UnsupportedVersion: If the schema is not one this armsreach knows.
            CorruptState: Naming the field that is missing, foreign or of the wrong kind.
        """
        if not isinstance(document, Mapping):
            raise CorruptState(f"manifest: expected an object, got {type(document).__name__}")
        _check_schema(document)
        expected = {item.name for item in dataclasses.fields(cls)}
        for name in sorted(expected - set(document)):
            raise CorruptState(f"manifest.{name}: expected this field, found none; restore the snapshot from a copy")
        for name in sorted(set(document) - expected - {"schema"}):
            raise CorruptState(f"manifest.{name}: not a field of {SCHEMA}; restore the snapshot from a copy")
        return cls(**{name: _READERS[name](name, document[name]) for name in expected})

    def digest(self) -> str:
        """SHA-256 over all fields but the manifest's own checksum.

        Raises:
            InvalidInput: If a value is no JSON.
        """
        document = self.to_json()
        document["checksums"] = {name: value for name, value in self.checksums.items() if name != _OWN}
        return hashlib.sha256(_dumps(document)).hexdigest()

    def is_whole(self, data: bytes) -> bool:
        """Whether a file that this manifest was read from is, to the byte, what `dumps` wrote.

        The line with the manifest's own checksum taken away, the rest of the file has that checksum. Where the line is
        not where it usually is, the file is written anew and compared, which takes several times as long.

        Args:
            data: The file's bytes.
        """
        own = self.checksums.get(_OWN, "")
        line = f'  "{_OWN}": {json.dumps(own)},\n'.encode()
        before, found, after = data.partition(line)
        if found and line not in after and hashlib.sha256(before + after).hexdigest() == own:
            return True
        return self.dumps() == data and self.digest() == own

    def dumps(self) -> bytes:
        """The file's bytes.

        Raises:
            InvalidInput: If a value is no JSON, as a number that is not finite.
        """
        return _dumps(self.to_json())


def _dumps(document: object) -> bytes:
    try:
        return (json.dumps(document, indent=1, allow_nan=False, sort_keys=True) + "\n").encode()
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"expected JSON values: {error}", field="manifest") from None


def _check_schema(document: Mapping[str, Any]) -> None:
    schema = document.get("schema")
    if schema == SCHEMA:
        return
    if isinstance(schema, str) and schema.startswith("armsreach.snapshot.v"):
        raise UnsupportedVersion(
            f"manifest.schema: {schema}, and this armsreach reads {SCHEMA}; upgrade armsreach here"
        )
    raise CorruptState(f"manifest.schema: expected {SCHEMA}, got {schema!r:.80}; this is no snapshot of armsreach")


def _time_text(at: datetime, name: str) -> str:
    if at.tzinfo is None:
        raise InvalidInput("expected a time with its zone, got a naive one; use UTC", field=f"manifest.{name}")
    return at.astimezone(UTC).isoformat()


def _wrong(name: str, expected: str, value: object) -> CorruptState:
    return CorruptState(f"manifest.{name}: expected {expected}, got {value!r:.80}; restore the snapshot from a copy")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "a string", value)
    return value


def _count(name: str, value: object) -> int:
    if type(value) is not int or value < 0:
        raise _wrong(name, "an integer ≥ 0", value)
    return value


def _object(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(name, "an object", value)
    return value


def _numbers(name: str, value: object) -> dict[str, float]:
    numbers = _object(name, value)
    for key, number in numbers.items():
        if type(number) not in (int, float) or number < 0:
            raise _wrong(f"{name}.{key}", "a number ≥ 0", number)
    return numbers


def _texts(name: str, value: object) -> dict[str, str]:
    return {key: _text(f"{name}.{key}", text) for key, text in _object(name, value).items()}


def _vw(name: str, value: object) -> dict[str, Any]:
    document = _object(name, value)
    for key in ("version", "options"):
        if key not in document:
            raise _wrong(name, "version and options", value)
    return document


def _time(name: str, value: object) -> datetime:
    try:
        at = datetime.fromisoformat(_text(name, value))
    except ValueError:
        raise _wrong(name, "a time as in RFC 3339", value) from None
    if at.tzinfo is None:
        raise _wrong(name, "a time with its zone", value)
    return at


def _time_or_none(name: str, value: object) -> datetime | None:
    return None if value is None else _time(name, value)


_READERS: Mapping[str, Callable[[str, object], Any]] = {
    "version": _text,
    "parent": _text,
    "epoch": _count,
    "campaign": _text,
    "positions": _object,
    "watermark": _time_or_none,
    "horizon_s": _numbers,
    "vw": _vw,
    "feature_schema": _object,
    "catalogue": _text,
    "objective": _object,
    "exploration": _object,
    "floor": _object,
    "learned": _count,
    "created_at": _time,
    "checksums": _texts,
}
