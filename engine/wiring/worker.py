"""Everything that one serving process needs."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.config import Settings
from engine.core.errors import ArmsreachError
from engine.journal import (
    GroupCommit,
    JournalReader,
    Mark,
    Position,
)
from engine.profiles.profile_store import ProfileStore
from engine.service.adoption import Adoption
from engine.service.allowances import Allowances
from engine.service.campaigns import Campaigns
from engine.service.clocks import ClientClock, SystemClock
from engine.service.delivery import Delivery
from engine.service.erasure_desk import ErasureDesk
from engine.service.explaining import Explaining
from engine.service.frequencies import Frequencies
from engine.service.frequency_checkpoint import FrequencyDraft
from engine.service.models import Models
from engine.service.registry import Registry
from engine.service.retention import Retention
from engine.telemetry import Telemetry

if TYPE_CHECKING:
    pass
from engine.wiring.caps import caps_file
from engine.wiring.profiles import refresh_profiles

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """Everything that one serving process needs.

    Attributes:
        delivery: Decides and records.
        explaining: Explains.
        campaigns: What people set.
        models: Published snapshots.
        registry: The campaigns as they stand.
        adoption: Those that are decided for, with their caps and limits.
        allowances: Budgets and stock.
        frequencies: Frequency caps, where this worker is the only one; a supervisor keeps them otherwise.
        commits: The journal's writer; to be closed last.
        telemetry: What it tells of itself.
        clock: Time as decisions carry it.
        desk: Looks for shoppers to forget.
        retention: Removes what is older than the settings allow; the first worker does.
        number: Of this worker.
    """

    delivery: Delivery
    explaining: Explaining
    campaigns: Campaigns
    models: Models
    registry: Registry
    adoption: Adoption
    allowances: Allowances
    frequencies: Frequencies | None
    commits: GroupCommit
    telemetry: Telemetry
    clock: SystemClock | ClientClock
    desk: ErasureDesk
    retention: Retention
    profiles: ProfileStore | None = None
    number: int = 0

    async def refresh(self) -> None:
        """Look for news, of snapshots and of campaigns, and swap them in."""
        changed = await asyncio.to_thread(self.registry.refresh)
        await asyncio.to_thread(refresh_profiles, self.profiles)
        await self.adoption.follow(self._marked)
        if changed:
            # Where few decide, what waits to be counted would keep many a model that was swapped out, and its pages.
            await asyncio.to_thread(self.telemetry.decisions.count)

    async def mark(self) -> None:
        """Write a heartbeat, so that learning can go on while nobody asks anything, and keep what was spent."""
        await self._marked()
        await self.allowances.checkpoint(self._marked)

    async def _marked(self) -> Position:
        return await self.commits.append(Mark(), self.clock.now())

    async def reopen(self) -> None:
        """After the journal failed, take records again, if the disk lets us.

        Raises:
            JournalFailed: If it does not yet.
        """
        await self.commits.reopen()

    async def keep_caps(self, settings: Settings) -> None:
        """Write a checkpoint of the caps, part by part between decisions; where a supervisor does not."""
        if self.frequencies is None or not self.frequencies.longest_s:
            return
        reader = JournalReader(settings.folder / "journal")
        positions = await asyncio.to_thread(reader.positions_before, self.clock.now())
        with FrequencyDraft(caps_file(settings), self.frequencies, positions) as draft:
            for part in draft.parts():
                await asyncio.to_thread(draft.append, part)
                await asyncio.sleep(0.005)
            await asyncio.to_thread(draft.finish)

    async def close(self) -> None:
        """Return what is left of budgets, make everything durable and let the journal go."""
        try:
            await self.allowances.close(self._marked)
        except ArmsreachError as error:
            log.error("budgets are not returned; the next start of this worker finds what is left: %s", error)
        try:
            await self.commits.close()
        finally:
            self.telemetry.stop()
