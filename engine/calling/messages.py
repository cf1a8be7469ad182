"""Our types become messages, as clients send them, and answers become our types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from engine.calling.answer import Answer
from engine.calling.batch import Batch, BatchAnswer
from engine.calling.campaign_state import CampaignState
from engine.calling.explained import Draw, Explained
from engine.calling.snapshot_state import ShareState, SnapshotState
from engine.core.decision import Mode
from engine.core.errors import InvalidInput
from engine.core.feature import Scalar
from engine.core.outcome import Outcome
from engine.core.reading import plain
from engine.core.variant import Variant, VariantState
from engine.pb.armsreach.v1 import campaigns_pb2, models_pb2
from engine.pb.armsreach.v1 import delivery_pb2 as wire
from engine.pb.armsreach.v1 import types_pb2 as types
from engine.service.requests import Candidate, FallbackReport

MODES: dict[int, Mode] = {int(types.Mode.Value(f"MODE_{mode.name}")): mode for mode in Mode}
STATES = {state: campaigns_pb2.VariantState.Value(f"VARIANT_STATE_{state.name}") for state in VariantState}


def scalar(value: Any, field: str) -> types.Scalar:
    """A flat value.

    Raises:
        InvalidInput: If it is none; naming the field.
    """
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool):
        return types.Scalar(flag=value)
    if isinstance(value, str):
        return types.Scalar(text=value)
    if isinstance(value, int | float):
        return types.Scalar(number=value)
    raise InvalidInput(f"expected a string, a number or true/false, got a {type(value).__name__}", field=field)


def timestamp(value: datetime, field: str = "at") -> Timestamp:
    """A time.

    Raises:
        InvalidInput: If it has no zone.
    """
    if value.tzinfo is None:
        raise InvalidInput("expected a time with its zone, such as datetime.now(UTC)", field=field)
    message = Timestamp()
    message.FromDatetime(value.astimezone(UTC))
    return message


def decide_request(
    campaign: str,
    user: str,
    embedding: Sequence[float] | np.ndarray = (),
    attributes: Mapping[str, Scalar | None] | None = None,
    *,
    consents: Iterable[str] = (),
    request_id: str = "",
    channels: Iterable[str] = (),
    slots: Iterable[str] = (),
    variants: Iterable[str] = (),
    at: datetime | None = None,
    time_zone: str = "",
    top_k: int = 1,
) -> wire.DecideRequest:
    """A request for one shopper; an attribute of `None` is left out, as absent.

    Raises:
        InvalidInput: Naming the field that cannot be sent at all; the server judges the rest.
    """
    _listed(consents=consents, channels=channels, slots=slots, variants=variants)
    try:
        message = wire.DecideRequest(
            campaign=campaign,
            user=user,
            request_id=request_id,
            **_embedding(embedding),
            consents=consents,
            channels=channels,
            slots=slots,
            variants=variants,
            top_k=top_k,
            at=timestamp(at) if at is not None else None,
            time_zone=time_zone,
        )
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"expected texts and finite numbers: {error}", field="request") from None
    for name, value in (attributes or {}).items():
        if value is not None:
            message.attributes[name].CopyFrom(scalar(value, f"attributes.{name}"))
    return message


def _embedding(values: Sequence[float] | np.ndarray) -> dict[str, Any]:
    """An array goes as bytes, which both sides handle faster than a list of numbers."""
    if not isinstance(values, np.ndarray):
        return {"embedding": values}
    if values.ndim != 1 or values.dtype.kind not in "fiu":
        return {"embedding": values.tolist()}
    return {"embedding_bytes": np.ascontiguousarray(values, dtype="<f4").tobytes()}


def _listed(**values: Iterable[str]) -> None:
    """Refuse a bare string where a list is meant: its letters would be taken for channels."""
    for name, value in values.items():
        if isinstance(value, str):
            raise InvalidInput("expected a list of strings, got a string; put it in brackets", field=name)


def answer(message: wire.DecideResponse) -> Answer:
    """The server's decision."""
    return Answer(
        decision_id=message.decision_id,
        request_id=message.request_id,
        arm=message.arm,
        variant=message.variant,
        channel=message.channel,
        slot=message.slot,
        content=dict(message.content),
        propensity=message.propensity,
        mode=MODES[message.mode],
        snapshot=message.snapshot,
        top=tuple((item.arm, item.probability) for item in message.top),
    )


def batch_request(batch: Batch) -> wire.DecideBatchRequest:
    """One message of columns.

    Raises:
        InvalidInput: Naming the column that cannot be sent.
    """
    _listed(
        consents=batch.consents,
        channels=batch.channels,
        slots=batch.slots,
        variants=batch.variants,
        time_zones=batch.time_zones,
    )
    return wire.DecideBatchRequest(
        campaign=batch.campaign,
        users=batch.users,
        request_ids=batch.request_ids,
        embeddings=np.ascontiguousarray(batch.embeddings, dtype="<f4").tobytes(),
        attributes={name: _column(name, values) for name, values in batch.attributes.items()},
        consents=batch.consents,
        consent_columns={
            channel: np.asarray(flags, dtype=bool).astype(np.uint8).tobytes()
            for channel, flags in batch.consent_columns.items()
        },
        channels=batch.channels,
        slots=batch.slots,
        variants=batch.variants,
        at=timestamp(batch.at) if batch.at is not None else None,
        time_zones=batch.time_zones,
        request_id=batch.request_id,
        tag=batch.tag,
    )


def _column(name: str, values: Sequence[Scalar | None]) -> wire.Column:
    found: list[Any] = [value.item() if isinstance(value, np.generic) else value for value in values]
    present = [value is not None for value in found]
    kinds = {type(value) for value in found if value is not None}
    marks = b"" if all(present) else bytes(present)
    if kinds <= {str}:
        return wire.Column(texts=["" if value is None else value for value in found], present=marks)
    if kinds == {bool}:
        return wire.Column(flags=[bool(value) for value in found], present=marks)
    if kinds <= {int, float}:
        return wire.Column(numbers=[0.0 if value is None else value for value in found], present=marks)
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise InvalidInput(
        f"expected strings, numbers or true/false, all of one kind, got {names}", field=f"attributes.{name}"
    )


def batch_answer(message: wire.DecideBatchResponse) -> BatchAnswer:
    """The server's decisions."""
    return BatchAnswer(
        tag=message.tag,
        decision_ids=tuple(message.decision_ids),
        arms=tuple(message.arms[i] for i in message.arm_index),
        propensities=np.frombuffer(message.propensities, dtype="<f4"),
        modes=tuple(MODES[mode] for mode in message.modes),
        snapshot=message.snapshot,
    )


def outcome(value: Outcome) -> types.Outcome:
    """One outcome."""
    return types.Outcome(
        outcome_id=value.id,
        type=types.OutcomeType.Value(f"OUTCOME_TYPE_{value.type.name}"),
        at=timestamp(value.at, f"outcome {value.id}.at"),
        value=value.value,
        decision_id=value.decision_id,
        user=value.user,
        reason=value.reason,
    )


def fallback(value: FallbackReport) -> wire.FallbackDecision:
    """One safe answer."""
    return wire.FallbackDecision(
        request_id=value.request_id, user=value.user, decided_at=timestamp(value.decided_at, "decided_at")
    )


def explained(message: wire.ExplainResponse) -> Explained:
    """An explanation."""
    draw = message.draw
    return Explained(
        mode=MODES[message.mode],
        snapshot=message.snapshot,
        policy=message.policy,
        candidates=tuple(
            Candidate(
                arm=item.arm,
                probability=item.probability,
                floor=item.floor,
                cost=item.cost if item.HasField("cost") else None,
                contributions=tuple((part.feature, part.value) for part in item.contributions),
            )
            for item in message.candidates
        ),
        excluded=dict(message.excluded),
        draw=Draw(draw.decision_id, draw.arm, draw.seed, tuple(draw.counts)) if message.HasField("draw") else None,
    )


def variant(value: Variant) -> campaigns_pb2.Variant:
    """One piece of copy."""
    message = campaigns_pb2.Variant(
        id=value.id,
        state=STATES[value.state],
        language=value.language,
        category=value.category,
        price_band=value.price_band,
        embedding=value.embedding,
        embedding_model=value.embedding_model,
        provenance_json=orjson.dumps(plain(value.provenance)).decode(),
        stock=value.stock,
        stock_chunk=value.stock_chunk,
    )
    for name, fact in value.offer.items():
        message.offer[name].CopyFrom(scalar(fact, f"offer.{name}"))
    for name, fact in value.features.items():
        message.features[name].CopyFrom(scalar(fact, f"features.{name}"))
    for channel, texts in value.channels.items():
        message.channels[channel].fields.update(texts)
    for name, values in value.audience.items():
        message.audience[name].values.extend(scalar(item, f"audience.{name}") for item in values)
    return message


def campaign(message: campaigns_pb2.Campaign) -> CampaignState:
    """A stored campaign."""
    return CampaignState(
        message.id, message.revision, orjson.loads(message.settings_json), message.catalogue, message.arms
    )


def snapshot(message: models_pb2.Snapshot) -> SnapshotState:
    """A published snapshot."""
    return SnapshotState(
        version=message.version,
        parent=message.parent,
        campaign=message.campaign,
        created_at=message.created_at.ToDatetime(UTC),
        t=message.t,
        champion=message.champion,
        serving=message.serving,
        manifest=orjson.loads(message.manifest_json),
    )


def shares(message: models_pb2.Shares) -> ShareState:
    """Shares of users."""
    return ShareState(message.campaign, message.champion, message.control, message.holdout)
