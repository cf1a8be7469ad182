"""A campaign's learner over a data folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engine.config import Settings
from engine.service.clocks import SystemClock
from engine.store.leases import SqliteLeases

if TYPE_CHECKING:
    from engine.service.learning import Learning
from engine.wiring.data_folder import open_campaigns, open_journal, snapshot_stores
from engine.wiring.upkeep import learner_folder


def open_learning(settings: Settings, campaign: str, *, holder: str) -> Learning:
    """A campaign's learner over the data folder.

    Raises:
        NotFound: If there is no such campaign.
        FailedPrecondition: If there is no data folder yet.
    """
    from engine.service.learning import Learning  # brings Vowpal Wabbit, which servers of compiled models never load

    campaigns = open_campaigns(settings)
    return Learning(
        campaign=campaigns.get(campaign).campaign,
        reader=open_journal(settings, campaigns),
        catalogues=campaigns.catalogue,
        snapshots=snapshot_stores(settings)(campaign),
        leases=SqliteLeases(settings.folder / "leases.db", SystemClock()),
        folder=learner_folder(settings, campaign),
        clock=SystemClock(),
        holder=holder,
        apart=(os.cpu_count() or 1) > 1,
    )
