"""What every call needs: its scope, the campaign it is about, and how many rows it asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from engine.core.scope import Scope

SCOPES: dict[str, Scope] = {
    "Decide": Scope.DECIDE,
    "DecideBatch": Scope.DECIDE,
    "Explain": Scope.DECIDE,
    "ReportOutcomes": Scope.REPORT,
    "CreateCampaign": Scope.CAMPAIGNS,
    "UpdateCampaign": Scope.CAMPAIGNS,
    "GetCampaign": Scope.CAMPAIGNS,
    "ListCampaigns": Scope.CAMPAIGNS,
    "PutVariants": Scope.CAMPAIGNS,
    "SetVariantState": Scope.CAMPAIGNS,
    "ListSnapshots": Scope.MODELS,
    "GetSnapshot": Scope.MODELS,
    "PromoteSnapshot": Scope.MODELS,
    "RollBack": Scope.MODELS,
    "GetShares": Scope.MODELS,
    "SetShares": Scope.MODELS,
}
"""A call that does not stand here is refused; a test compares this with the proto files."""


def _created(request: Any) -> str:
    """The id that a new campaign is to have; what is no settings at all is refused by the handler."""
    try:
        id = orjson.loads(request.settings_json)["id"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    return id if isinstance(id, str) else ""


def _explained(request: Any) -> str:
    named: str = request.request.campaign if request.WhichOneof("what") == "request" else request.campaign
    return named


_CAMPAIGN_OF: dict[str, Callable[[Any], str]] = {
    "CreateCampaign": _created,
    "UpdateCampaign": lambda request: request.id,
    "GetCampaign": lambda request: request.id,
    "ListCampaigns": lambda _: "",
    "Explain": _explained,
}


def campaign_of(method: str, request: Any) -> str:
    """The campaign that a call is about; empty where it names none."""
    if method == "Decide":
        return str(request.campaign)
    read = _CAMPAIGN_OF.get(method)
    return str(request.campaign if read is None else read(request))


def rows_of(method: str, request: Any) -> int:
    """Decisions and outcomes that a call asks for; any other call counts as one."""
    if method == "Decide":
        return 1
    if method == "DecideBatch":
        return len(request.users)
    if method == "ReportOutcomes":
        return len(request.outcomes) + len(request.fallbacks)
    return 1
