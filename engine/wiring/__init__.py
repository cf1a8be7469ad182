"""The composition root: the only place that decides which parts work together."""

from engine.wiring.budgets import open_allowances, settle_orphans
from engine.wiring.caps import caps_file, fill_frequencies, keep_frequencies
from engine.wiring.data_folder import (
    arms_of,
    clock_of,
    create_campaign_files,
    journal_folder,
    open_campaigns,
    open_journal,
    open_key,
    snapshot_stores,
)
from engine.wiring.learning import open_learning
from engine.wiring.serving import SharedTables, open_shared, open_telemetry, open_worker
from engine.wiring.upkeep import learner_folder, open_forgetting, open_retention
from engine.wiring.worker import Worker

__all__ = [
    "SharedTables",
    "Worker",
    "arms_of",
    "caps_file",
    "clock_of",
    "create_campaign_files",
    "fill_frequencies",
    "journal_folder",
    "keep_frequencies",
    "learner_folder",
    "open_allowances",
    "open_campaigns",
    "open_forgetting",
    "open_journal",
    "open_key",
    "open_learning",
    "open_retention",
    "open_shared",
    "open_telemetry",
    "open_worker",
    "settle_orphans",
    "snapshot_stores",
]
