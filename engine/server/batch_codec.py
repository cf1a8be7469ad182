"""Columns of `DecideBatch` become requests, and decisions become columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from engine.core.arm import ChannelId
from engine.core.context import Context
from engine.core.decision import Decision
from engine.core.errors import InvalidInput
from engine.core.feature import Scalar
from engine.pb.armsreach.v1 import delivery_pb2 as wire
from engine.server.codec import MODES, moment, zone_name
from engine.service.requests import DecideRequest

MAX_BATCH = 100_000


def batch_requests(message: wire.DecideBatchRequest, dimension: int) -> list[DecideRequest]:
    """One request per user of a batch.

    Args:
        message: Columns of n users.
        dimension: Of the campaign's user embedding.

    Raises:
        InvalidInput: Naming the column whose length or content is wrong.
    """
    n = len(message.users)
    if not 0 < n <= MAX_BATCH:
        raise InvalidInput(f"expected 1 to {MAX_BATCH} users in a message, got {n}", field="users")
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


def _matrix(data: bytes, n: int, dimension: int) -> np.ndarray:
    expected = n * dimension * 4
    if len(data) != expected:
        raise InvalidInput(
            f"expected {expected} bytes, little-endian float32 of shape ({n}, {dimension}), got {len(data)}",
            field="embeddings",
        )
    return np.frombuffer(data, dtype="<f4").reshape(n, dimension)


def _attributes(message: wire.DecideBatchRequest, n: int) -> list[dict[str, Scalar]]:
    rows: list[dict[str, Scalar]] = [{} for _ in range(n)]
    for name, column in message.attributes.items():
        field = f"attributes.{name}"
        filled: list[Sequence[Scalar]] = [values for values in (column.texts, column.numbers, column.flags) if values]
        if len(filled) != 1 or len(filled[0]) != n:
            raise InvalidInput(f"expected one list of {n} values", field=field)
        if column.present and len(column.present) != n:
            raise InvalidInput(f"expected none or {n} bytes, got {len(column.present)}", field=f"{field}.present")
        for i, value in enumerate(filled[0]):
            if not column.present or column.present[i]:
                rows[i][name] = value
    return rows


def _zones(message: wire.DecideBatchRequest, n: int) -> list[str]:
    names = message.time_zones
    if len(names) not in {0, 1, n}:
        raise InvalidInput(f"expected none, one for all or {n}, one per user, got {len(names)}", field="time_zones")
    zones = [zone_name(name, f"time_zones[{i}]") for i, name in enumerate(names)] or [""]
    return zones if len(zones) == n else zones * n


def _consents(message: wire.DecideBatchRequest, n: int) -> list[frozenset[ChannelId]]:
    everybody = frozenset(ChannelId(channel) for channel in message.consents)
    rows = [everybody] * n
    for channel, flags in message.consent_columns.items():
        if len(flags) != n:
            raise InvalidInput(
                f"expected {n} bytes, one per user, got {len(flags)}", field=f"consent_columns.{channel}"
            )
        rows = [row | {ChannelId(channel)} if flag else row for row, flag in zip(rows, flags, strict=True)]
    return rows
