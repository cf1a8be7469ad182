"""`Campaigns` over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from engine.pb.armsreach.v1 import campaigns_pb2 as wire
from engine.pb.armsreach.v1.campaigns_pb2_grpc import CampaignsServicer as Base
from engine.server import campaigns_codec as codec
from engine.service.campaigns import Campaigns


class CampaignsServicer(Base):
    """Changes are stored, then swapped in before the answer: a killed variant is out when the caller hears of it."""

    def __init__(self, campaigns: Campaigns, refresh: Callable[[], Awaitable[None]]) -> None:
        self._campaigns = campaigns
        self._refresh = refresh
        self._lock = asyncio.Lock()

    async def _changed(self, change: Any, *arguments: Any) -> wire.Campaign:
        async with self._lock:
            stored = await asyncio.to_thread(change, *arguments)
            await self._refresh()
        return codec.campaign(stored)

    async def CreateCampaign(self, request: wire.CreateCampaignRequest, context: Any) -> wire.Campaign:  # noqa: N802, ARG002
        """A new campaign."""
        return await self._changed(self._campaigns.create, codec.settings(request.settings_json))

    async def UpdateCampaign(self, request: wire.UpdateCampaignRequest, context: Any) -> wire.Campaign:  # noqa: N802, ARG002
        """Other settings."""
        settings = codec.settings(request.settings_json)
        return await self._changed(self._campaigns.update, request.id, settings, request.expected_revision or None)

    async def GetCampaign(self, request: wire.GetCampaignRequest, context: Any) -> wire.Campaign:  # noqa: N802, ARG002
        """One campaign."""
        return codec.campaign(await asyncio.to_thread(self._campaigns.get, request.id))

    async def ListCampaigns(  # noqa: N802
        self,
        request: wire.ListCampaignsRequest,  # noqa: ARG002
        context: Any,  # noqa: ARG002
    ) -> wire.ListCampaignsResponse:
        """Every campaign."""
        stored = await asyncio.to_thread(self._campaigns.all)
        return wire.ListCampaignsResponse(campaigns=[codec.campaign(item) for item in stored])

    async def PutVariants(self, request: wire.PutVariantsRequest, context: Any) -> wire.Campaign:  # noqa: N802, ARG002
        """New copy, or other copy under known ids."""
        variants = tuple(codec.variant(v, f"variants[{i}]") for i, v in enumerate(request.variants))
        return await self._changed(self._campaigns.put_variants, request.campaign, variants)

    async def SetVariantState(  # noqa: N802
        self,
        request: wire.SetVariantStateRequest,
        context: Any,  # noqa: ARG002
    ) -> wire.Campaign:
        """Approve, pause or kill copy."""
        state = codec.state(request.state)
        return await self._changed(self._campaigns.set_variant_state, request.campaign, request.variant, state)
