"""Messages of `Campaigns` and `Models` become our own types, and back."""

from __future__ import annotations

from typing import Any

import orjson

from engine.core.arm import ChannelId, VariantId
from engine.core.errors import InvalidInput
from engine.core.reading import plain
from engine.core.variant import Variant, VariantState
from engine.pb.armsreach.v1 import campaigns_pb2 as wire
from engine.pb.armsreach.v1 import models_pb2
from engine.server.codec import scalar, scalars, timestamp
from engine.service.campaigns import Stored
from engine.service.models import SnapshotStatus

STATES: dict[int, VariantState] = {
    int(wire.VariantState.Value(f"VARIANT_STATE_{state.name}")): state for state in VariantState
}


def settings(text: str) -> dict[str, Any]:
    """Campaign settings from JSON.

    Raises:
        InvalidInput: If the text is not a JSON object.
    """
    return _object(text, "settings_json")


def _object(text: str, field: str) -> dict[str, Any]:
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"not valid JSON: {error}", field=field) from None
    if not isinstance(data, dict):
        raise InvalidInput("expected a JSON object", field=field)
    return data


def campaign(stored: Stored) -> wire.Campaign:
    """A stored campaign."""
    catalogue = stored.campaign.catalogue()
    return wire.Campaign(
        id=stored.campaign.id,
        revision=stored.revision,
        settings_json=orjson.dumps(plain(stored.campaign)).decode(),
        catalogue=catalogue.digest,
        arms=len(catalogue),
    )


def state(value: int) -> VariantState:
    """A variant's state.

    Raises:
        InvalidInput: If none is named.
    """
    if value not in STATES:
        raise InvalidInput("expected draft, approved, paused or killed", field="state")
    return STATES[value]


def variant(message: wire.Variant, field: str) -> Variant:
    """One piece of copy.

    Raises:
        InvalidInput: Naming the field that is wrong.
    """
    return Variant(
        id=VariantId(message.id),
        state=STATES.get(message.state, VariantState.DRAFT),
        channels={ChannelId(name): dict(content.fields) for name, content in message.channels.items()},
        category=message.category,
        price_band=message.price_band,
        offer=scalars(message.offer, f"{field}.offer"),
        features=scalars(message.features, f"{field}.features"),
        embedding=tuple(message.embedding),
        embedding_model=message.embedding_model,
        audience={
            name: tuple(scalar(value, f"{field}.audience.{name}") for value in values.values)
            for name, values in message.audience.items()
        },
        language=message.language,
        provenance=_object(message.provenance_json, f"{field}.provenance_json") if message.provenance_json else {},
        stock=message.stock if message.HasField("stock") else None,
        stock_chunk=message.stock_chunk,
    )


def snapshot(status: SnapshotStatus) -> models_pb2.Snapshot:
    """A published snapshot."""
    manifest = status.manifest
    return models_pb2.Snapshot(
        version=manifest.version,
        parent=manifest.parent or "",
        campaign=manifest.campaign,
        created_at=timestamp(manifest.created_at),
        t=manifest.learned,
        champion=status.champion,
        serving=status.serving,
        manifest_json=orjson.dumps(manifest.to_json()).decode(),
    )
