"""The real service without a network: a worker and its learner over a data folder."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

from engine.config import JournalSettings, RequestIdSettings, Settings
from engine.core.campaign import Campaign
from engine.core.outcome import Outcome
from engine.core.reading import plain
from engine.journal import JournalReader
from engine.service.learning import Learning
from engine.service.requests import DecideRequest, OutcomeReport
from engine.wiring import Worker, arms_of, open_learning, open_worker
from simulator.shop.service_port import Answer

__all__ = ["InProcess"]


class InProcess:
    """Serves one campaign from a folder of its own, on the client's clock.

    The server's key comes from the seed, so that one seed gives the same decisions again.
    """

    def __init__(self, folder: Path, campaign: Campaign, seed: int, capacity: int) -> None:
        """Open the service.

        Args:
            folder: Empty.
            campaign: Is created there.
            seed: Makes the server's key.
            capacity: Decisions and outcomes that may be remembered.
        """
        self._settings = Settings(
            data=str(folder),
            clock="client",
            journal=JournalSettings(durability="write"),
            request_ids=RequestIdSettings(capacity=capacity),
        )
        self._campaign = campaign
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "server.key").write_text(hashlib.blake2b(f"simulate {seed}".encode(), digest_size=32).hexdigest())
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._worker: Worker = open_worker(self._settings)
        self._worker.campaigns.create(plain(campaign))
        self._worker.registry.refresh()
        self._learning: Learning = open_learning(self._settings, campaign.id, holder="simulate")

    def decide(self, requests: Sequence[DecideRequest]) -> list[Answer]:
        """See `ServicePort`."""
        decisions = self._loop.run_until_complete(self._worker.delivery.decide_many(requests))
        return [Answer(d.id, str(d.arm), d.mode.value, d.snapshot) for d in decisions]

    def report(self, outcomes: Sequence[Outcome]) -> None:
        """See `ServicePort`."""
        report = OutcomeReport(self._campaign.id, outcomes=tuple(outcomes))
        self._loop.run_until_complete(self._worker.delivery.report(report))

    def learn(self, matured: int) -> None:  # noqa: ARG002
        """Learn everything that has matured, and swap in what was published."""
        while self._learning.step():
            pass
        self._worker.registry.refresh()

    def export(self, path: str) -> int:
        """See `ServicePort`."""
        from engine.service.exporting import export_log

        campaigns = self._worker.campaigns
        reader = JournalReader(self._settings.folder / "journal", arms=arms_of(campaigns))
        counts = export_log(reader, self._campaign, campaigns.catalogue, Path(path))
        return int(counts.decisions)

    def close(self) -> None:
        """See `ServicePort`."""
        try:
            self._learning.close()
            self._loop.run_until_complete(self._worker.close())
        finally:
            self._runner.close()
