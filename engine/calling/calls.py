"""Every call but the streaming one, as data: what to send, and how to read the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from engine.calling import messages
from engine.calling.answer import Answer
from engine.calling.call import Call
from engine.calling.campaign_state import CampaignState
from engine.calling.explained import Explained
from engine.calling.snapshot_state import ShareState, SnapshotState
from engine.core.outcome import Outcome
from engine.core.variant import Variant, VariantState
from engine.pb.armsreach.v1 import campaigns_pb2, delivery_pb2, models_pb2
from engine.service.requests import FallbackReport, Recorded

BATCH_PATH = "/armsreach.v1.Delivery/DecideBatch"

_DELIVERY = "/armsreach.v1.Delivery/"
_CAMPAIGNS = "/armsreach.v1.Campaigns/"
_MODELS = "/armsreach.v1.Models/"
_CHUNK = 2_000


def decide(request: delivery_pb2.DecideRequest) -> Call[Answer]:
    """Decide; repeatable, as a request id always goes with it."""
    return Call(_DELIVERY + "Decide", request, delivery_pb2.DecideResponse, messages.answer, repeatable=True)


def report(outcomes: Iterable[Outcome]) -> list[Call[Recorded]]:
    """Report outcomes, in messages of one campaign each; repeatable, as each has its reporter's id."""
    chunks: list[tuple[str, list[Outcome]]] = []
    of_campaign: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        chunk = of_campaign.get(outcome.campaign)
        if chunk is None or len(chunk) >= _CHUNK:
            chunk = of_campaign[outcome.campaign] = []
            chunks.append((outcome.campaign, chunk))
        chunk.append(outcome)
    return [
        _reported(delivery_pb2.ReportOutcomesRequest(campaign=campaign, outcomes=map(messages.outcome, chunk)))
        for campaign, chunk in chunks
    ]


def report_fallbacks(campaign: str, reports: Sequence[FallbackReport]) -> Call[Recorded]:
    """Report safe answers; repeatable, as each has its request id."""
    return _reported(delivery_pb2.ReportOutcomesRequest(campaign=campaign, fallbacks=map(messages.fallback, reports)))


def _reported(request: delivery_pb2.ReportOutcomesRequest) -> Call[Recorded]:
    return Call(
        _DELIVERY + "ReportOutcomes",
        request,
        delivery_pb2.ReportOutcomesResponse,
        lambda message: Recorded(message.accepted, message.duplicates),
        repeatable=True,
    )


def explain(request: delivery_pb2.DecideRequest | None, decision_id: str, campaign: str, arms: int) -> Call[Explained]:
    """Explain a request, or a decision that was made."""
    message = delivery_pb2.ExplainRequest(campaign=campaign, arms=arms)
    if request is not None:
        message.request.CopyFrom(request)
    else:
        message.decision_id = decision_id
    return Call(_DELIVERY + "Explain", message, delivery_pb2.ExplainResponse, messages.explained, repeatable=True)


def create_campaign(settings: Mapping[str, Any]) -> Call[CampaignState]:
    """Store a new campaign."""
    text = orjson.dumps(settings).decode()
    return _campaign("CreateCampaign", campaigns_pb2.CreateCampaignRequest(settings_json=text))


def update_campaign(campaign: str, settings: Mapping[str, Any], expected_revision: int) -> Call[CampaignState]:
    """Change a campaign's settings."""
    text = orjson.dumps(settings).decode()
    request = campaigns_pb2.UpdateCampaignRequest(id=campaign, settings_json=text, expected_revision=expected_revision)
    return _campaign("UpdateCampaign", request)


def campaign(campaign_id: str) -> Call[CampaignState]:
    """Read one campaign."""
    return _campaign("GetCampaign", campaigns_pb2.GetCampaignRequest(id=campaign_id), repeatable=True)


def campaigns() -> Call[list[CampaignState]]:
    """Read all campaigns."""
    return Call(
        _CAMPAIGNS + "ListCampaigns",
        campaigns_pb2.ListCampaignsRequest(),
        campaigns_pb2.ListCampaignsResponse,
        lambda message: [messages.campaign(item) for item in message.campaigns],
        repeatable=True,
    )


def put_variants(campaign_id: str, variants: Iterable[Variant]) -> Call[CampaignState]:
    """Add or replace copy; repeatable, as the same copy replaces itself."""
    request = campaigns_pb2.PutVariantsRequest(campaign=campaign_id, variants=map(messages.variant, variants))
    return _campaign("PutVariants", request, repeatable=True)


def set_variant_state(campaign_id: str, variant: str, state: VariantState) -> Call[CampaignState]:
    """Approve, pause or kill copy; repeatable."""
    request = campaigns_pb2.SetVariantStateRequest(
        campaign=campaign_id, variant=variant, state=messages.STATES[VariantState(state)]
    )
    return _campaign("SetVariantState", request, repeatable=True)


def _campaign(method: str, request: Any, *, repeatable: bool = False) -> Call[CampaignState]:
    return Call(_CAMPAIGNS + method, request, campaigns_pb2.Campaign, messages.campaign, repeatable=repeatable)


def snapshots(campaign_id: str) -> Call[list[SnapshotState]]:
    """Read all snapshots of a campaign, oldest first."""
    return Call(
        _MODELS + "ListSnapshots",
        models_pb2.ListSnapshotsRequest(campaign=campaign_id),
        models_pb2.ListSnapshotsResponse,
        lambda message: [messages.snapshot(item) for item in message.snapshots],
        repeatable=True,
    )


def snapshot(campaign_id: str, version: str) -> Call[SnapshotState]:
    """Read one snapshot."""
    request = models_pb2.GetSnapshotRequest(campaign=campaign_id, version=version)
    return _snapshot("GetSnapshot", request, repeatable=True)


def promote(campaign_id: str, version: str) -> Call[SnapshotState]:
    """Make a snapshot the champion."""
    return _snapshot("PromoteSnapshot", models_pb2.PromoteSnapshotRequest(campaign=campaign_id, version=version))


def roll_back(campaign_id: str, version: str) -> Call[SnapshotState]:
    """Go back to an earlier champion."""
    return _snapshot("RollBack", models_pb2.RollBackRequest(campaign=campaign_id, version=version))


def _snapshot(method: str, request: Any, *, repeatable: bool = False) -> Call[SnapshotState]:
    return Call(_MODELS + method, request, models_pb2.Snapshot, messages.snapshot, repeatable=repeatable)


def shares(campaign_id: str) -> Call[ShareState]:
    """Read the shares of users."""
    request = models_pb2.GetSharesRequest(campaign=campaign_id)
    return Call(_MODELS + "GetShares", request, models_pb2.Shares, messages.shares, repeatable=True)


def set_shares(campaign_id: str, control: float | None, holdout: float | None) -> Call[ShareState]:
    """Change the shares of users; repeatable."""
    request = models_pb2.SetSharesRequest(campaign=campaign_id, control=control, holdout=holdout)
    return Call(_MODELS + "SetShares", request, models_pb2.Shares, messages.shares, repeatable=True)
