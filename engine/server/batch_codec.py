"""Columns of `DecideBatch` become requests, and decisions become columns."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import count

import numpy as np

from engine.core.arm import ChannelId
from engine.core.context import Context
from engine.core.context_columns import ContextColumns
from engine.core.decision import Decision
from engine.core.decision_block import DecisionBlock
from engine.core.drawing import SCALE
from engine.core.errors import InvalidInput
from engine.core.feature import Scalar
from engine.core.repeated import Repeated
from engine.pb.armsreach.v1 import delivery_pb2 as wire
from engine.server.codec import MODES, moment, zone_name
from engine.service.batch_request import MAX_ROWS, BatchRequest
from engine.service.deciding import DIGEST_BYTES, checked_request_id
from engine.service.requests import DecideRequest


def batch_request(message: wire.DecideBatchRequest, dimension: int) -> BatchRequest:
    """A batch whose users have no request ids of their own.

    Args:
        message: Columns of n users.
        dimension: Of the campaign's user embedding.

    Raises:
        InvalidInput: Naming the column whose length or content is wrong.
    """
    n = _checked(message)
    checked_request_id(message.request_id)
    zones = _zones(message, n)
    users, embeddings = list(message.users), message.embeddings  # reading a column of a message copies it
    return BatchRequest(
        campaign=message.campaign,
        users=users,
        contexts=ContextColumns(_matrix(embeddings, n, dimension), _attributes(message, n), _consents(message, n)),
        request_id=message.request_id,
        digest=_digest(message, users, embeddings) if message.request_id else bytes(DIGEST_BYTES),
        channels=tuple(message.channels),
        slots=tuple(message.slots),
        variants=tuple(message.variants),
        at=moment(message.at, "at") if message.HasField("at") else None,
        time_zones=zones if len(set(zones)) > 1 else zones[:1],
    )


def _checked(message: wire.DecideBatchRequest) -> int:
    n = len(message.users)
    if not 0 < n <= MAX_ROWS:
        raise InvalidInput(f"expected 1 to {MAX_ROWS} users in a message, got {n}", field="users")
    if message.request_ids and message.request_id:
        raise InvalidInput("expected ids for the users or one for the message, got both", field="request_id")
    return n


def _digest(message: wire.DecideBatchRequest, users: Sequence[str], embeddings: bytes) -> bytes:
    """What tells two batches under one id apart; tag and time are not part of it."""
    digest = hashlib.sha256(embeddings)  # processors have instructions for it
    for column in (users, message.consents, message.channels, message.slots, message.variants,
                   message.time_zones):  # fmt: skip
        digest.update(b"%d\n" % len(column))
        digest.update("\0".join(column).encode())
    for name in sorted(message.attributes):
        digest.update(name.encode() + b"\0" + message.attributes[name].SerializeToString(deterministic=True))
    for name in sorted(message.consent_columns):
        digest.update(name.encode() + b"\0" + message.consent_columns[name])
    return digest.digest()[:DIGEST_BYTES]


def batch_requests(message: wire.DecideBatchRequest, dimension: int) -> list[DecideRequest]:
    """One request per user of a batch, each with an id of its own.

    Args:
        message: Columns of n users.
        dimension: Of the campaign's user embedding.

    Raises:
        InvalidInput: Naming the column whose length or content is wrong.
    """
    n = _checked(message)
    if message.request_ids and len(message.request_ids) != n:
        raise InvalidInput(f"expected none or {n}, one per user, got {len(message.request_ids)}", field="request_ids")
    embeddings = _matrix(message.embeddings, n, dimension)
    attributes = _attributes(message, n)
    consents = _consents(message, n)
    zones = _zones(message, n)
    at: datetime | None = moment(message.at, "at") if message.HasField("at") else None
    narrowed = (tuple(message.channels), tuple(message.slots), tuple(message.variants))
    return [
        DecideRequest(
            campaign=message.campaign,
            user=user,
            context=Context(embeddings[i], attributes[i], consents[i]),
            request_id=message.request_ids[i] if message.request_ids else "",
            channels=narrowed[0],
            slots=narrowed[1],
            variants=narrowed[2],
            at=at,
            time_zone=zones[i],
        )
        for i, user in enumerate(message.users)
    ]


def batch_response(tag: str, decisions: Sequence[Decision], snapshot: str) -> wire.DecideBatchResponse:
    """The decisions as columns; each arm that occurs is named once."""
    if isinstance(decisions, DecisionBlock):
        return _block_response(tag, decisions, snapshot)
    arms: dict[str, int] = {}
    index = [arms.setdefault(decision.arm, len(arms)) for decision in decisions]
    return wire.DecideBatchResponse(
        tag=tag,
        decision_ids=[decision.id for decision in decisions],
        arms=list(arms),
        arm_index=index,
        propensities=np.array([decision.propensity for decision in decisions], dtype="<f4").tobytes(),
        modes=[MODES[decision.mode] for decision in decisions],
        snapshot=snapshot,
    )


def _block_response(tag: str, block: DecisionBlock, snapshot: str) -> wire.DecideBatchResponse:
    columns = np.flatnonzero(np.bincount(block.columns, minlength=len(block.catalogue)))
    place = np.empty(len(block.catalogue), dtype=np.int64)
    place[columns] = np.arange(len(columns))
    modes = Repeated.of(block.modes)
    return wire.DecideBatchResponse(
        tag=tag,
        decision_ids=[id.hex() for id in block.ids],
        arms=[block.catalogue.ids[column] for column in columns.tolist()],
        arm_index=place[block.columns].tolist(),
        propensities=(block.chosen / SCALE).astype("<f4").tobytes(),
        modes=np.array([MODES[mode] for mode in modes.values])[modes.which].tolist(),
        snapshot=snapshot,
    )


def _matrix(data: bytes, n: int, dimension: int) -> np.ndarray:
    """The embeddings, shape (n, dimension); of shape (n, 0) where the message leaves them to the profiles."""
    if not data:
        return np.empty((n, 0), dtype=np.float32)
    expected = n * dimension * 4
    if len(data) != expected:
        raise InvalidInput(
            f"expected {expected} bytes, little-endian float32 of shape ({n}, {dimension}), got {len(data)}",
            field="embeddings",
        )
    return np.frombuffer(data, dtype="<f4").reshape(n, dimension)


def _attributes(message: wire.DecideBatchRequest, n: int) -> Repeated[dict[str, Scalar]]:
    """Attributes of each user; a batch has few different ones."""
    if not message.attributes:
        return Repeated.all_of({}, n)
    names, columns = [], []
    for name, column in message.attributes.items():
        names.append(name)
        columns.append(_column(column, f"attributes.{name}", n))
    numbers: defaultdict[tuple[Scalar | None, ...], int] = defaultdict(count().__next__)
    which = np.fromiter(map(numbers.__getitem__, zip(*columns, strict=True)), dtype=np.int64, count=n)
    values = [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in numbers]
    return Repeated(values, which)


def _column(column: wire.Column, field: str, n: int) -> Sequence[Scalar | None]:
    filled: list[Sequence[Scalar]] = [values for values in (column.texts, column.numbers, column.flags) if values]
    if len(filled) != 1 or len(filled[0]) != n:
        raise InvalidInput(f"expected one list of {n} values", field=field)
    if column.present and len(column.present) != n:
        raise InvalidInput(f"expected none or {n} bytes, got {len(column.present)}", field=f"{field}.present")
    if not column.present:
        return filled[0]
    return [value if here else None for value, here in zip(filled[0], column.present, strict=True)]


def _zones(message: wire.DecideBatchRequest, n: int) -> list[str]:
    names = message.time_zones
    if len(names) not in {0, 1, n}:
        raise InvalidInput(f"expected none, one for all or {n}, one per user, got {len(names)}", field="time_zones")
    zones = [zone_name(name, f"time_zones[{i}]") for i, name in enumerate(names)] or [""]
    return zones if len(zones) == n else zones * n


def _consents(message: wire.DecideBatchRequest, n: int) -> Repeated[frozenset[ChannelId]]:
    """Consents of each user; a batch has few different ones."""
    everybody = frozenset(ChannelId(channel) for channel in message.consents)
    rows = Repeated.all_of(everybody, n)
    for channel, flags in message.consent_columns.items():
        if len(flags) != n:
            raise InvalidInput(
                f"expected {n} bytes, one per user, got {len(flags)}", field=f"consent_columns.{channel}"
            )
        given = np.frombuffer(flags, dtype=np.uint8) != 0
        found, which = np.unique(2 * rows.which + given, return_inverse=True)
        values = [
            rows.values[code // 2] | {ChannelId(channel)} if code % 2 else rows.values[code // 2]
            for code in found.tolist()
        ]
        rows = Repeated(values, which)
    return rows
