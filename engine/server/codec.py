"""The one place where protobuf messages of requests and answers become our own types, and back."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp

from engine.core.arm import HOLD, Arm, ChannelId
from engine.core.context import Context
from engine.core.decision import KEPT_PROBABILITIES, Decision, Mode
from engine.core.drawing import SCALE
from engine.core.errors import InvalidInput
from engine.core.feature import Scalar
from engine.core.outcome import Outcome, OutcomeType
from engine.core.time_zone import time_zone
from engine.pb.armsreach.v1 import delivery_pb2 as wire
from engine.pb.armsreach.v1 import types_pb2 as types
from engine.service.decided import Decided
from engine.service.requests import DecideRequest, Explanation, FallbackReport, OutcomeReport
from engine.service.serving import Serving

MODES = {mode: types.Mode.Value(f"MODE_{mode.name}") for mode in Mode}
OUTCOME_TYPES = {types.OutcomeType.Value(f"OUTCOME_TYPE_{kind.name}"): kind for kind in OutcomeType}


def scalar(message: types.Scalar, field: str) -> Scalar:
    """A flat value.

    Raises:
        InvalidInput: If no kind is set or a number is not finite.
    """
    kind = message.WhichOneof("kind")
    if kind is None:
        raise InvalidInput("expected text, number or flag, got nothing; leave an absent value out", field=field)
    value: Scalar = getattr(message, kind)
    if kind == "number" and not math.isfinite(value):  # type: ignore[arg-type]
        raise InvalidInput(f"expected a finite number, got {value}", field=field)
    return value


def scalars(messages: Mapping[str, types.Scalar], field: str) -> dict[str, Scalar]:
    """Flat values by name."""
    return {name: scalar(message, f"{field}.{name}") for name, message in messages.items()}


def moment(message: Timestamp, field: str) -> datetime:
    """A time, in UTC.

    Raises:
        InvalidInput: If it is out of range.
    """
    try:
        return message.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput("expected a time of the years 1 to 9999", field=field) from None


def timestamp(value: datetime) -> Timestamp:
    """The reverse of `moment`."""
    message = Timestamp()
    message.FromDatetime(value)
    return message


def decide_request(message: wire.DecideRequest) -> DecideRequest:
    """A request for one shopper.

    Raises:
        InvalidInput: Naming the field that is wrong.
    """
    return DecideRequest(
        campaign=message.campaign,
        user=message.user,
        context=Context(
            embedding=_embedding(message),
            attributes=scalars(message.attributes, "attributes"),
            consents=frozenset(ChannelId(c) for c in message.consents),
        ),
        request_id=message.request_id,
        channels=tuple(message.channels) if message.channels else (),
        slots=tuple(message.slots) if message.slots else (),
        variants=tuple(message.variants) if message.variants else (),
        at=moment(message.at, "at") if message.HasField("at") else None,
        time_zone=zone_name(message.time_zone, "time_zone"),
    )


def zone_name(name: str, field: str) -> str:
    """An IANA zone; empty for the campaign's.

    Raises:
        InvalidInput: If there is no such zone.
    """
    if name:
        time_zone(name, field)
    return name


def _embedding(message: wire.DecideRequest) -> np.ndarray:
    data = message.embedding_bytes
    if not data:
        return np.array(message.embedding, dtype=np.float32)
    if message.embedding:
        raise InvalidInput("expected embedding or embedding_bytes, got both", field="embedding_bytes")
    if len(data) % 4:
        raise InvalidInput(
            f"expected little-endian float32, 4 bytes a number, got {len(data)} bytes", field="embedding_bytes"
        )
    return np.frombuffer(data, dtype="<f4")


def named(request: DecideRequest) -> tuple[DecideRequest, str]:
    """The request with an id, of our making where the caller gave none, and that id for the answer."""
    if request.request_id:
        return request, request.request_id
    made = uuid.uuid4().hex
    return replace(request, request_id=made), made


def decide_response(decided: Decided, request_id: str, top_k: int) -> wire.DecideResponse:
    """The answer for one shopper, with the finished copy for the chosen channel."""
    block = decided.block
    if block is None or top_k > 1:
        return _decision_response(decided.decision, decided.serving, request_id, top_k)
    i = decided.row
    response = wire.DecideResponse()
    response.CopyFrom(decided.serving.remembered(int(block.columns[i]), _arm_response))
    response.decision_id = block.ids[i].hex()
    response.propensity = propensity = block.chosen[i] / SCALE
    response.mode = MODES[block.modes[i]]
    response.snapshot = block.snapshot_of(i)
    response.request_id = request_id
    if len(block.sets[i].ids) <= KEPT_PROBABILITIES:
        counts = block.counts[i]
        best = counts.argmax()
        response.top.add(arm=block.catalogue.ids[best], probability=counts[best] / SCALE)
    else:
        response.top.add(arm=response.arm, probability=propensity)
    return response


def _arm_response(serving: Serving, column: int) -> wire.DecideResponse:
    """What answers with an arm have in common."""
    response = wire.DecideResponse()
    _say_arm(response, serving, serving.catalogue.ids[column], serving.catalogue.arms[column])
    return response


def _decision_response(decision: Decision, serving: Serving, request_id: str, top_k: int) -> wire.DecideResponse:
    response = wire.DecideResponse(
        decision_id=decision.id,
        propensity=decision.propensity,
        mode=MODES[decision.mode],
        snapshot=decision.snapshot,
        request_id=request_id,
    )
    _say_arm(response, serving, decision.arm, Arm.parse(decision.arm) if decision.arm != HOLD else None)
    for arm_id, probability in _top(decision, max(top_k, 1)):
        response.top.add(arm=arm_id, probability=probability)
    return response


def _say_arm(response: wire.DecideResponse, serving: Serving, arm_id: str, arm: Arm | None) -> None:
    response.arm = arm_id
    if arm is not None:
        response.variant, response.channel, response.slot = arm.variant, arm.channel, arm.slot
        response.content.update(serving.content(arm))


def _top(decision: Decision, k: int) -> Sequence[tuple[str, float]]:
    known = [(arm, p) for arm, p in zip(decision.eligible, decision.probabilities, strict=True) if p is not None]
    return sorted(known, key=lambda item: -item[1])[:k]


def outcome_report(message: wire.ReportOutcomesRequest) -> OutcomeReport:
    """Outcomes and safe answers.

    Raises:
        InvalidInput: Naming the field that is wrong, with its place in the list.
    """
    return OutcomeReport(
        campaign=message.campaign,
        outcomes=tuple(
            _outcome(outcome, message.campaign, f"outcomes[{i}]") for i, outcome in enumerate(message.outcomes)
        ),
        fallbacks=tuple(_fallback(item, f"fallbacks[{i}]") for i, item in enumerate(message.fallbacks)),
    )


def _outcome(message: types.Outcome, campaign: str, field: str) -> Outcome:
    kind = OUTCOME_TYPES.get(message.type)
    if kind is None:
        raise InvalidInput("expected one of the outcome types", field=f"{field}.type")
    if not message.HasField("at"):
        raise InvalidInput("expected the time when it happened", field=f"{field}.at")
    try:
        return Outcome(
            id=message.outcome_id,
            campaign=campaign,
            type=kind,
            at=moment(message.at, "at"),
            value=message.value if message.HasField("value") else 1.0,
            decision_id=message.decision_id,
            user=message.user,
            reason=message.reason,
        )
    except InvalidInput as error:
        raise InvalidInput(str(error).removeprefix(f"{error.field}: "), field=f"{field}.{error.field}") from None


def _fallback(message: wire.FallbackDecision, field: str) -> FallbackReport:
    if not message.request_id:
        raise InvalidInput("expected the id that the decide request had", field=f"{field}.request_id")
    if not message.HasField("decided_at"):
        raise InvalidInput("expected the time of the safe answer", field=f"{field}.decided_at")
    return FallbackReport(message.request_id, message.user, moment(message.decided_at, f"{field}.decided_at"))


def explain_response(explanation: Explanation) -> wire.ExplainResponse:
    """An explanation; the draw is there when it was made."""
    response = wire.ExplainResponse(
        mode=MODES[Mode(explanation.mode)],
        snapshot=explanation.snapshot,
        policy=explanation.policy,
        excluded={str(arm): reason for arm, reason in explanation.excluded.items()},
    )
    for candidate in explanation.candidates:
        item = response.candidates.add(arm=candidate.arm, probability=candidate.probability, floor=candidate.floor)
        if candidate.cost is not None:
            item.cost = candidate.cost
        for feature, value in candidate.contributions:
            item.contributions.add(feature=feature, value=value)
    decision = explanation.decision
    if decision is not None:
        response.draw.decision_id, response.draw.arm, response.draw.seed = decision.id, decision.arm, decision.seed
        if decision.counts is not None:
            response.draw.counts.extend(decision.counts.tolist())
    return response
