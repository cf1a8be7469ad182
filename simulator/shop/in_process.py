"""The real service without a network: a worker and its learner over a data folder."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.config import JournalSettings, RequestIdSettings, Settings
from engine.core.outcome import Outcome
from engine.core.reading import plain
from engine.core.variant import VariantState
from engine.service.exporting import export_log
from engine.service.learning import Learning
from engine.service.requests import DecideRequest, OutcomeReport
from engine.wiring import Worker, open_journal, open_learning, open_worker
from simulator.shop.service_port import Answer
from simulator.shop.shop import Shop

__all__ = ["InProcess"]


class InProcess:
    """Serves one campaign from a folder of its own, on the client's clock.

    The server's key comes from the seed, so that one seed gives the same decisions again.
    """

    def __init__(self, folder: Path, shop: Shop, capacity: int) -> None:
        """Open the service.

        Args:
            folder: Empty, or not there yet.
            shop: Its campaign is created there, and its seed makes the server's key.
            capacity: Decisions and outcomes that may be remembered.
        """
        self._campaign = shop.campaign
        self._served: set[str] = set()
        self._settings = Settings(
            data=str(folder),
            clock="client",
            journal=JournalSettings(durability="write"),
            request_ids=RequestIdSettings(capacity=capacity),
        )
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "server.key").write_text(
            hashlib.blake2b(f"simulate {shop.seed}".encode(), digest_size=32).hexdigest()
        )
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._worker: Worker = open_worker(self._settings)
        self._worker.campaigns.create(plain(shop.campaign))
        self._loop.run_until_complete(self._worker.refresh())
        self._learning: Learning = open_learning(self._settings, shop.campaign.id, holder="simulate")

    @property
    def snapshots(self) -> int:
        """See `ServicePort`."""
        return len(self._served)

    def set_states(self, states: Mapping[str, VariantState]) -> None:
        """Approve, pause or kill variants from now on, as a person would."""
        for variant, state in states.items():
            self._worker.campaigns.set_variant_state(self._campaign.id, variant, state)
        self._loop.run_until_complete(self._worker.refresh())

    def decide(self, requests: Sequence[DecideRequest]) -> list[Answer]:
        """See `ServicePort`."""
        decisions = self._loop.run_until_complete(self._worker.delivery.decide_many(requests))
        self._served.update(d.snapshot for d in decisions if d.snapshot)
        return [Answer(d.id, str(d.arm), d.mode.value) for d in decisions]

    def report(self, outcomes: Sequence[Outcome]) -> None:
        """See `ServicePort`."""
        report = OutcomeReport(self._campaign.id, outcomes=tuple(outcomes))
        self._loop.run_until_complete(self._worker.delivery.report(report))

    def learn(self, matured: int) -> None:  # noqa: ARG002
        """Learn everything that has matured, and swap in what was published."""
        while self._learning.step():
            pass
        self._loop.run_until_complete(self._worker.refresh())

    def export(self, path: str) -> int:
        """See `ServicePort`."""
        campaigns = self._worker.campaigns
        journal = open_journal(self._settings, campaigns)
        return export_log(journal, self._campaign, campaigns.catalogue, Path(path))["decisions"]

    def close(self) -> None:
        """See `ServicePort`."""
        try:
            self._learning.close()
            self._loop.run_until_complete(self._worker.close())
        finally:
            self._runner.close()
