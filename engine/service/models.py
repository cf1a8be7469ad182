"""Published snapshots: what there is, which one serves, and changing that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.core.errors import FailedPrecondition, NotFound
from engine.service.campaigns import Campaigns
from engine.service.serving import Serving
from engine.store.manifest import Manifest
from engine.store.snapshots import SnapshotStore


@dataclass(frozen=True, slots=True)
class SnapshotStatus:
    """One snapshot as people see it.

    Attributes:
        manifest: What it is.
        champion: Whether `current` names it.
        serving: Whether this server decides by it now.
    """

    manifest: Manifest
    champion: bool
    serving: bool


class Models:
    """Lists, promotes and rolls back snapshots of a campaign."""

    def __init__(
        self, campaigns: Campaigns, snapshots: Callable[[str], SnapshotStore], servings: Mapping[str, Serving]
    ) -> None:
        self._campaigns = campaigns
        self._snapshots = snapshots
        self._servings = servings

    def all(self, campaign: str) -> list[SnapshotStatus]:
        """Every snapshot of a campaign, oldest first.

        Raises:
            NotFound: If there is no such campaign.
        """
        self._campaigns.get(campaign)
        return [self._status(campaign, version) for version in self._snapshots(campaign).versions()]

    def get(self, campaign: str, version: str = "") -> SnapshotStatus:
        """One snapshot; the champion where no version is named.

        Raises:
            NotFound: If the campaign or the snapshot does not exist.
        """
        self._campaigns.get(campaign)
        return self._status(campaign, version or self._champion(campaign))

    def promote(self, campaign: str, version: str) -> SnapshotStatus:
        """Make a snapshot the champion.

        Raises:
            NotFound: If the campaign or the snapshot does not exist.
        """
        self.get(campaign, version)
        self._snapshots(campaign).promote(version)
        return self._status(campaign, version)

    def roll_back(self, campaign: str, version: str = "") -> SnapshotStatus:
        """Go back to a snapshot, or to the parent of the champion.

        Raises:
            NotFound: If the campaign or the snapshot does not exist.
            FailedPrecondition: If the champion has no parent to go back to.
        """
        if not version:
            version = self.get(campaign).manifest.parent or ""
            if not version:
                raise FailedPrecondition("the champion has no parent to go back to; name a version")
        self.get(campaign, version)
        self._snapshots(campaign).roll_back(version)
        return self._status(campaign, version)

    def _champion(self, campaign: str) -> str:
        pointer = self._snapshots(campaign).current()
        if pointer is None:
            raise NotFound(f"version: campaign {campaign!r} has published no snapshot yet")
        return pointer.version

    def _status(self, campaign: str, version: str) -> SnapshotStatus:
        store = self._snapshots(campaign)
        if version not in store.versions():
            raise NotFound(f"version: campaign {campaign!r} has no snapshot {version[:64]!r}")
        pointer = store.current()
        serving = self._servings.get(campaign)
        return SnapshotStatus(
            manifest=store.load(version).manifest,
            champion=pointer is not None and pointer.version == version,
            serving=serving is not None and serving.snapshot == version,
        )
