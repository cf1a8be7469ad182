"""Records as bytes, version 3.

::

    u8 version | u8 kind | i64 recorded_at (µs since 1970, UTC) | body

The kinds are 1 decision (see `decision_codec`), 2 outcome (a JSON array), 3 mark, 4 closing mark (no body) and, from
version 2 on, 5 decision in compact form (see `block_codec`) and 6 head of a batch (its id, its length). Version 3
brought outcomes of type comment, which older readers would take for damage. Readers take every version up to their own;
the golden file of each version stands in the tests.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import orjson

from engine.core.decision import Decision
from engine.core.decision_block import DecisionBlock
from engine.core.errors import ArmsreachError, CorruptState, InvalidInput, UnsupportedVersion
from engine.core.outcome import Outcome, OutcomeType
from engine.journal.arms_of import ArmsOf, no_catalogues
from engine.journal.batch_head import BatchHead
from engine.journal.block_codec import decode_row, encode_block, shredded_row
from engine.journal.block_matrix import encode_matrices
from engine.journal.decision_codec import decode_decision, encode_decision, shredded_decision
from engine.journal.entry import Entry, Record
from engine.journal.instant import from_micros, to_micros
from engine.journal.mark import Mark

__all__ = [
    "VERSION",
    "Entry",
    "Mark",
    "Record",
    "decode",
    "encode",
    "encode_compact",
    "encode_many",
    "recorded_micros",
    "shredded",
]

VERSION = 3
_PREFIX = struct.Struct("<BBq")
_BATCH_HEAD = struct.Struct("<16sI")
_DECISION, _OUTCOME, _MARK, _CLOSED, _COMPACT, _BATCH = 1, 2, 3, 4, 5, 6
ID_OFFSET = _PREFIX.size
"""Where a decision's id stands in its record."""

_FIRST, _SECOND = 1, 2
"""The versions of the kinds that they brought, which are written as ever."""


def encode(record: Record, recorded_at: datetime, arms: ArmsOf = no_catalogues) -> bytes:
    """Write a record.

    Args:
        record: What to write.
        recorded_at: The chain's clock; aware.
        arms: Looks a catalogue up, so that decisions over many arms become bitmaps.

    Raises:
        InvalidInput: Naming the field that could not be given back as it is.

    Examples:
        >>> from datetime import UTC
        >>> decode(encode(Mark(), datetime(2026, 1, 1, tzinfo=UTC))).record
        Mark(closed=False)
    """
    micros = to_micros(recorded_at)
    if isinstance(record, Decision):
        return _PREFIX.pack(_FIRST, _DECISION, micros) + encode_decision(record, arms)
    if isinstance(record, Outcome):
        version = VERSION if record.type is OutcomeType.COMMENT else _FIRST
        return _PREFIX.pack(version, _OUTCOME, micros) + _encode_outcome(record)
    if isinstance(record, BatchHead):
        return _PREFIX.pack(_SECOND, _BATCH, micros) + _BATCH_HEAD.pack(record.id, record.length)
    return _PREFIX.pack(_FIRST, _CLOSED if record.closed else _MARK, micros)


def encode_many(records: Sequence[Record], recorded_at: datetime, arms: ArmsOf = no_catalogues) -> list[bytes]:
    """Write records side by side; those of a `DecisionBlock` in compact form.

    Raises:
        InvalidInput: Naming the field that could not be given back as it is.
    """
    if isinstance(records, DecisionBlock):
        return encode_block(records, _PREFIX.pack(_SECOND, _COMPACT, to_micros(recorded_at)))
    return [encode(record, recorded_at, arms) for record in records]


def encode_compact(block: DecisionBlock, recorded_at: datetime, room: int = 0) -> list[np.ndarray]:
    """Write decisions of many shoppers, with `room` bytes in front of each; see `encode_matrices`.

    Raises:
        InvalidInput: Naming the field that could not be given back as it is.
    """
    return encode_matrices(block, bytes(room) + _PREFIX.pack(_SECOND, _COMPACT, to_micros(recorded_at)))


def decode(payload: bytes, arms: ArmsOf = no_catalogues) -> Entry:
    """Read a record.

    Args:
        payload: What `encode` wrote, in this version or an older one.
        arms: Looks a catalogue up, where a record refers to one.

    Raises:
        UnsupportedVersion: If a newer armsreach wrote it.
        CorruptState: If it is no record, or its catalogue is unknown.
    """
    try:
        version, kind, micros = _PREFIX.unpack_from(payload)
    except struct.error:
        raise CorruptState(f"expected a record of at least {_PREFIX.size} bytes, got {len(payload)}") from None
    if version > VERSION:
        raise UnsupportedVersion(
            f"record version {version}, and this armsreach reads up to {VERSION}; upgrade armsreach here"
        )
    try:
        return Entry(from_micros(micros), _record(payload, kind, arms))
    except (ArmsreachError, ValueError, TypeError, KeyError, OverflowError, struct.error, AttributeError) as error:
        raise CorruptState(f"expected a record of version {version} and kind {kind}: {error}") from error


def recorded_micros(payload: bytes) -> tuple[int, bool]:
    """Read no more than when a record was written (µs), and whether it closes its chain.

    Raises:
        CorruptState: If the payload is too short.
    """
    if len(payload) < _PREFIX.size:
        raise CorruptState(f"expected a record of at least {_PREFIX.size} bytes, got {len(payload)}")
    _, kind, micros = _PREFIX.unpack_from(payload)
    return micros, kind == _CLOSED


def is_outcome(payload: bytes) -> bool:
    """Whether a record is an outcome, without reading it."""
    return len(payload) > 1 and payload[1] == _OUTCOME


def batch_length(payload: bytes) -> int:
    """How many bytes behind a record belong to it: those of a batch behind its head, none behind any other."""
    if len(payload) == _PREFIX.size + _BATCH_HEAD.size and payload[1] == _BATCH:
        return int(_BATCH_HEAD.unpack_from(payload, _PREFIX.size)[1])
    return 0


def _record(payload: bytes, kind: int, arms: ArmsOf) -> Record:
    if kind == _DECISION:
        return decode_decision(payload, _PREFIX.size, arms)
    if kind == _COMPACT:
        return decode_row(payload, _PREFIX.size, arms)
    if kind == _BATCH:
        if len(payload) != _PREFIX.size + _BATCH_HEAD.size:
            raise ValueError(f"expected {_PREFIX.size + _BATCH_HEAD.size} bytes, got {len(payload)}")
        return BatchHead(*_BATCH_HEAD.unpack_from(payload, _PREFIX.size))
    if kind == _OUTCOME:
        return _decode_outcome(payload[_PREFIX.size :])
    if kind in (_MARK, _CLOSED):
        return Mark(closed=kind == _CLOSED)
    raise ValueError("no such kind")


def _encode_outcome(outcome: Outcome) -> bytes:
    fields = (
        outcome.id,
        outcome.campaign,
        outcome.type.value,
        to_micros(outcome.at),
        float(outcome.value),
        outcome.decision_id,
        outcome.user,
        outcome.reason,
    )
    try:
        return orjson.dumps(fields)
    except (TypeError, orjson.JSONEncodeError) as error:
        raise InvalidInput(f"expected texts that JSON can hold: {error}", field="outcome") from None


def _decode_outcome(body: bytes) -> Outcome:
    id_, campaign, type_, at, value, decision_id, user, reason = orjson.loads(body)
    for text in (id_, campaign, decision_id, user, reason):
        if type(text) is not str:  # whoever joins looks them up
            raise TypeError(f"expected texts for ids, user and reason, got {type(text).__name__}")
    if type(value) not in (float, int):
        raise TypeError(f"expected a number for the value, got {type(value).__name__}")
    return Outcome(
        id=id_,
        campaign=campaign,
        type=OutcomeType(type_),
        at=from_micros(at),
        value=value,
        decision_id=decision_id,
        user=user,
        reason=reason,
    )


def shredded(payload: bytes, users: Mapping[str, str]) -> tuple[str, bytes] | None:
    """A record as it is once its shopper is forgotten: of the same length, so that all positions stay.

    A record that cannot be understood and yet holds a user's name is blanked altogether: nothing reads it anyway.

    Args:
        payload: What `encode` wrote, in this version or an older one.
        users: Those to forget → the names to put in their place, of the same length.

    Returns:
        The user and the new record; None for a record of somebody else.

    Raises:
        UnsupportedVersion: If a newer armsreach wrote the record.
    """
    if len(payload) < _PREFIX.size:
        return None
    version, kind, _ = _PREFIX.unpack_from(payload)
    if version > VERSION:
        raise UnsupportedVersion(
            f"record version {version}, and this armsreach reads up to {VERSION}; upgrade armsreach here"
        )
    try:
        found = _shredded(payload, kind, users)
        if found is None or len(found[1]) == len(payload):
            return found
    except (ValueError, TypeError, IndexError, KeyError, struct.error, AttributeError):
        pass
    left = next((user for user in users if user.encode() in payload), None)
    return None if left is None else (left, payload[: _PREFIX.size] + bytes(len(payload) - _PREFIX.size))


def _shredded(payload: bytes, kind: int, users: Mapping[str, str]) -> tuple[str, bytes] | None:
    if kind == _DECISION:
        return shredded_decision(payload, _PREFIX.size, users)
    if kind == _COMPACT:
        return shredded_row(payload, _PREFIX.size, users)
    if kind == _OUTCOME:
        fields = orjson.loads(payload[_PREFIX.size :])
        user = fields[6]
        if user in users:
            fields[6] = users[user]
            return user, payload[: _PREFIX.size] + orjson.dumps(fields)
        return None
    if kind in (_MARK, _CLOSED, _BATCH):
        return None
    raise ValueError("no such kind")
