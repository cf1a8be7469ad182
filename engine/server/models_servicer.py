"""`Models` over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from engine.core.campaign import Shares
from engine.pb.armsreach.v1 import models_pb2 as wire
from engine.pb.armsreach.v1.models_pb2_grpc import ModelsServicer as Base
from engine.server import campaigns_codec as codec
from engine.service.campaigns import Campaigns
from engine.service.models import Models


class ModelsServicer(Base):
    """Promotions and roll-backs are served here before they are answered."""

    def __init__(self, models: Models, campaigns: Campaigns, refresh: Callable[[], Awaitable[None]]) -> None:
        self._models = models
        self._campaigns = campaigns
        self._refresh = refresh

    async def ListSnapshots(self, request: wire.ListSnapshotsRequest, context: Any) -> wire.ListSnapshotsResponse:  # noqa: N802, ARG002
        """Every snapshot of a campaign, oldest first."""
        found = await asyncio.to_thread(self._models.all, request.campaign)
        return wire.ListSnapshotsResponse(snapshots=[codec.snapshot(status) for status in found])

    async def GetSnapshot(self, request: wire.GetSnapshotRequest, context: Any) -> wire.Snapshot:  # noqa: N802, ARG002
        """One snapshot, or the champion."""
        return codec.snapshot(await asyncio.to_thread(self._models.get, request.campaign, request.version))

    async def PromoteSnapshot(self, request: wire.PromoteSnapshotRequest, context: Any) -> wire.Snapshot:  # noqa: N802, ARG002
        """Another champion."""
        await asyncio.to_thread(self._models.promote, request.campaign, request.version)
        await self._refresh()
        return codec.snapshot(await asyncio.to_thread(self._models.get, request.campaign, request.version))

    async def RollBack(self, request: wire.RollBackRequest, context: Any) -> wire.Snapshot:  # noqa: N802, ARG002
        """Back to an earlier champion."""
        status = await asyncio.to_thread(self._models.roll_back, request.campaign, request.version)
        await self._refresh()
        return codec.snapshot(await asyncio.to_thread(self._models.get, request.campaign, status.manifest.version))

    async def GetShares(self, request: wire.GetSharesRequest, context: Any) -> wire.Shares:  # noqa: N802, ARG002
        """Shares of users."""
        stored = await asyncio.to_thread(self._campaigns.get, request.campaign)
        return _shares(stored.campaign.id, stored.campaign.shares)

    async def SetShares(self, request: wire.SetSharesRequest, context: Any) -> wire.Shares:  # noqa: N802, ARG002
        """Other shares of users."""
        control = request.control if request.HasField("control") else None
        holdout = request.holdout if request.HasField("holdout") else None
        stored = await asyncio.to_thread(self._campaigns.set_shares, request.campaign, control, holdout)
        await self._refresh()
        return _shares(stored.campaign.id, stored.campaign.shares)


def _shares(campaign: str, shares: Shares) -> wire.Shares:
    champion = (1.0 - shares.holdout) * (1.0 - shares.control)
    control = (1.0 - shares.holdout) * shares.control
    return wire.Shares(campaign=campaign, champion=champion, control=control, holdout=shares.holdout)
