"""What clears a data folder up: retention and forgetting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from engine.config import Settings
from engine.core.limits import Limits
from engine.journal import (
    Positions,
)
from engine.service.campaigns import Campaigns
from engine.service.clocks import SystemClock
from engine.service.erasable import Erasable
from engine.service.erasable_file import ErasableFile
from engine.service.forgetting import Forgetting
from engine.service.learning_checkpoint import Checkpoint
from engine.service.ledger_holders import ledger_positions
from engine.service.retention import Holders, Retention
from engine.store.ledger import Ledger, account_name, node_name

if TYPE_CHECKING:
    pass
from engine.wiring.caps import caps_file
from engine.wiring.data_folder import journal_folder, open_key


def open_retention(
    settings: Settings, campaigns: Campaigns, ledger: Ledger, holders: Sequence[Holders] = ()
) -> Retention:
    """What removes old segments of a data folder; learners and the ledger hold what they have yet to read.

    Args:
        settings: All settings.
        campaigns: Whose learners, budgets and stock.
        ledger: Where those are leased from.
        holders: Who else recovers from the journal.
    """

    def learners() -> Iterable[Positions]:
        for stored in campaigns.all():
            saved = Checkpoint.load(learner_folder(settings, stored.campaign.id) / "checkpoint")
            yield saved.positions if saved is not None else Positions()

    def counted() -> Iterable[Positions]:
        accounts = [
            account_name(stored.campaign.id, limit_id)
            for stored in campaigns.all()
            for limit_id in Limits(stored.campaign, stored.campaign.catalogue()).ids
        ]
        return ledger_positions(settings.folder / "journal", ledger, node_name(settings.folder), accounts)

    # Retries find their decisions in the journal, and frequency caps what was sent.
    shop = max((cap.within_s for cap in settings.caps), default=0.0)
    own = max((cap.within_s for stored in campaigns.all() for cap in stored.campaign.caps), default=0.0)
    needed = max(settings.request_ids.ttl_s, shop, own)
    keep = max(timedelta(days=settings.journal.keep_days), timedelta(seconds=needed))
    keeps_all = not settings.journal.keep_days
    return Retention(settings.folder / "journal", None if keeps_all else keep, [learners, counted, *holders])


def open_forgetting(settings: Settings, who: str, stores: Sequence[Erasable] = ()) -> Forgetting:
    """What forgets shoppers of a data folder.

    Args:
        settings: All settings.
        who: Asks for it.
        stores: What else is kept of them in files, such as profiles.

    Raises:
        FailedPrecondition: If there is no data folder yet, or it was written under another key.
    """
    journal_folder(settings)
    kept = (ErasableFile(caps_file(settings)), *stores)
    return Forgetting(settings.folder, open_key(settings), SystemClock(), who, kept)


def learner_folder(settings: Settings, campaign: str) -> Path:
    """Where a campaign's learner keeps its files."""
    return settings.folder / "learner" / campaign
