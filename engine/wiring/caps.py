"""Frequency caps: filled from checkpoint and journal, and kept."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from engine.config import Settings
from engine.core.errors import CorruptState
from engine.journal import (
    JournalReader,
)
from engine.service.frequencies import Frequencies
from engine.service.frequency_checkpoint import read_frequencies, write_frequencies
from engine.service.frequency_recall import recall_frequencies

if TYPE_CHECKING:
    pass
from engine.wiring.data_folder import clock_of, open_campaigns, open_journal

log = logging.getLogger(__name__)


def fill_frequencies(settings: Settings, frequencies: Frequencies, *, anew: bool = False) -> None:
    """Open the tables of all campaigns' caps, and count what the journal tells of; doing it again changes nothing.

    Args:
        settings: All settings.
        frequencies: The tables.
        anew: Whether they are empty: then the last checkpoint is read, and of the journal what came behind it.
    """
    campaigns = open_campaigns(settings)
    try:
        for stored in campaigns.all():
            frequencies.open(stored.campaign)
        if not (settings.folder / "journal").is_dir():
            return
        since = None
        if anew:
            try:
                since = read_frequencies(caps_file(settings), frequencies)
            except CorruptState as error:
                log.error("frequency caps: the journal is read instead of the checkpoint: %s", error)
        reader = open_journal(settings, campaigns)
        recalled = recall_frequencies(reader, frequencies, clock_of(settings, reader).now(), since)
        if recalled.forgotten:
            log.error(
                "frequency caps: no room for %d of %d recent sends, whose shoppers may get more than they should; raise"
                " caps_table.users",
                recalled.forgotten,
                recalled.sends,
            )
    finally:
        campaigns.close()


def keep_frequencies(settings: Settings, frequencies: Frequencies) -> None:
    """Write a checkpoint of the caps; for a supervisor, which decides nothing."""
    if not frequencies.longest_s or not (settings.folder / "journal").is_dir():
        return
    reader = JournalReader(settings.folder / "journal")
    write_frequencies(caps_file(settings), frequencies, reader.positions_before(clock_of(settings, reader).now()))


def caps_file(settings: Settings) -> Path:
    """Where the checkpoint of frequency caps lies."""
    return settings.folder / "caps.checkpoint"
