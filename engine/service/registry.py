"""The campaigns a server decides for, kept fresh: new snapshots and settings are swapped in between two requests."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from engine.core.campaign import Campaign
from engine.core.errors import ArmsreachError
from engine.service.campaigns import Campaigns
from engine.service.serving import Serving
from engine.store.current_pointer import CurrentPointer
from engine.store.snapshots import Snapshot, SnapshotStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A snapshot that could not be served; the server stays with what it had."""

    version: str
    reason: str


class Registry(Mapping[str, Serving]):
    """Campaign id → its `Serving`. `refresh` swaps whole objects, so readers need no lock."""

    def __init__(self, campaigns: Campaigns, snapshots: Callable[[str], SnapshotStore]) -> None:
        self._campaigns = campaigns
        self._snapshots = snapshots
        self._servings: dict[str, Serving] = {}
        self._epochs: dict[str, int] = {}
        # Held here, so that a change of campaign is in force whatever has become of the files meanwhile.
        self._served: dict[str, Snapshot | None] = {}
        self._seen: int | None = None
        self._refreshing = threading.Lock()
        self.troubles: dict[str, Trouble] = {}

    def __getitem__(self, campaign: str) -> Serving:
        return self._servings[campaign]

    def __iter__(self) -> Iterator[str]:
        return iter(self._servings)

    def __len__(self) -> int:
        return len(self._servings)

    def snapshot(self, campaign: str) -> Snapshot | None:
        """The model that a campaign is served with; None before the first publishing."""
        return self._served.get(campaign)

    def refresh(self) -> list[str]:
        """Look for changes and swap them in; blocking, so a server runs it off its event loop.

        Returns:
            Ids of the campaigns that changed.
        """
        with self._refreshing:
            return self._refresh()

    def _refresh(self) -> list[str]:
        changed = []
        revision = self._campaigns.revision_of_all()
        if revision != self._seen:
            for stored in self._campaigns.all():
                known = self._servings.get(stored.campaign.id)
                if known is None or known.revision != stored.revision:
                    self._swap(stored.campaign, stored.revision)
                    changed.append(stored.campaign.id)
            self._seen = revision
        for campaign_id, serving in list(self._servings.items()):
            if campaign_id not in changed and self._has_news(campaign_id, serving):
                self._swap(serving.campaign, serving.revision)
                changed.append(campaign_id)
        return changed

    def _has_news(self, campaign_id: str, serving: Serving) -> bool:
        current = self._pointer(campaign_id)
        if current is None or current.version == serving.snapshot:
            return False
        trouble = self.troubles.get(campaign_id)
        return trouble is None or trouble.version != current.version

    def _swap(self, campaign: Campaign, revision: int) -> None:
        """Build the new `Serving`; where its snapshot is no good, with the snapshot served so far, or without one."""
        known = self._servings.get(campaign.id)
        champion, served = self._champion(campaign.id), self._served.get(campaign.id)
        for snapshot in (champion, served if served is not champion else None):
            try:
                serving = Serving(campaign, revision, snapshot, known)
            except ArmsreachError as error:
                self._note(campaign.id, snapshot.version if snapshot else "", error)
            else:
                break
        else:
            snapshot, serving = None, Serving(campaign, revision, None, known)
        if snapshot is not None and (known is None or known.snapshot != serving.snapshot):
            if snapshot is champion:
                self.troubles.pop(campaign.id, None)
            log.info("campaign %s serves snapshot %s", campaign.id, serving.snapshot)
        self._served[campaign.id] = snapshot
        self._servings[campaign.id] = serving

    def _champion(self, campaign_id: str) -> Snapshot | None:
        """The snapshot to serve: the one that `current` names, or the last good one."""
        store = self._snapshots(campaign_id)
        served = self._served.get(campaign_id)
        pointer = self._pointer(campaign_id)
        if pointer is None:
            return served
        if pointer.kind == "publish" and pointer.epoch < self._epochs.get(campaign_id, 0):
            self._note(campaign_id, pointer.version, f"epoch {pointer.epoch} is older than the one served")
            return served
        try:
            snapshot = store.load(pointer.version)
        except ArmsreachError as error:
            self._note(campaign_id, pointer.version, error)
            return served
        self._epochs[campaign_id] = pointer.epoch
        return snapshot

    def _pointer(self, campaign_id: str) -> CurrentPointer | None:
        """What `current` says; None where it says nothing, or nothing legible: the server stays with what it has."""
        try:
            return self._snapshots(campaign_id).current()
        except ArmsreachError as error:
            self._note(campaign_id, "", error)
            return None

    def _note(self, campaign_id: str, version: str, reason: object) -> None:
        """Say it once: servers look again several times a second."""
        trouble = Trouble(version, str(reason))
        if self.troubles.get(campaign_id) == trouble:
            return
        self.troubles[campaign_id] = trouble
        log.error("campaign %s: snapshot %s is not served: %s", campaign_id, version, reason)
