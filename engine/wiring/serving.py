"""Opening a data folder for serving, by one worker or several."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from engine.config import Settings
from engine.journal import (
    ArmsOf,
    GroupCommit,
    JournalReader,
    Mark,
    SegmentWriter,
    WatchedWriter,
    close_orphans,
)
from engine.service.adoption import Adoption
from engine.service.campaigns import Campaigns
from engine.service.clocks import ClientClock, SystemClock
from engine.service.deciding import Deciding
from engine.service.delivery import Delivery
from engine.service.erasure_desk import ErasureDesk
from engine.service.explaining import Explaining
from engine.service.frequencies import Frequencies
from engine.service.known_shoppers import KnownShoppers
from engine.service.models import Models
from engine.service.outcome_memory import SharedOutcomeMemory
from engine.service.recalling import chain_name, entry_reader, recall, row_finder
from engine.service.registry import Registry
from engine.service.request_memory import SharedRequestMemory
from engine.store.leases import SqliteLeases
from engine.store.ledger import Ledger, open_ledger
from engine.store.tables import RequestTable
from engine.telemetry import Board, Telemetry
from engine.telemetry.gauges import allowance_gauges, learner_gauges, lease_gauges, snapshot_gauges, table_gauges
from engine.telemetry.seen_users import SeenUsers

if TYPE_CHECKING:
    pass
from engine.wiring.budgets import open_allowances, settle_orphans
from engine.wiring.caps import fill_frequencies
from engine.wiring.data_folder import (
    arms_of,
    clock_of,
    create_campaign_files,
    open_campaigns,
    open_journal,
    open_key,
    snapshot_stores,
)
from engine.wiring.profiles import open_profiles
from engine.wiring.upkeep import open_retention
from engine.wiring.worker import Worker


@dataclass(frozen=True, slots=True)
class SharedTables:
    """What the workers of a host have in common; made before they are forked.

    Attributes:
        requests: Request ids.
        outcomes: Outcome ids.
        frequencies: Frequency caps.
        board: Where workers leave their counters for one another.
        seen: The users that were counted.
    """

    requests: RequestTable
    outcomes: RequestTable
    frequencies: Frequencies
    board: Board
    seen: SeenUsers


def open_shared(settings: Settings) -> SharedTables:
    """Make the tables of several workers, and fill them from the journal.

    Raises:
        CorruptState: If the journal is damaged before its tail.
    """
    table = RequestTable(settings.request_ids.capacity, settings.request_ids.ttl_s, shared=True)
    outcomes = RequestTable(settings.request_ids.capacity, settings.request_ids.ttl_s, shared=True)
    frequencies = Frequencies(settings.caps, settings.caps_table.users, shared=True)
    shared = SharedTables(table, outcomes, frequencies, Board(settings.server.workers), SeenUsers())
    campaigns = open_campaigns(settings)
    create_campaign_files(settings, campaigns)
    if (settings.folder / "journal").is_dir():
        reader = open_journal(settings, campaigns)
        recall(
            reader,
            table,
            settings.request_ids.ttl_s,
            SharedOutcomeMemory(shared.outcomes, 0),
            clock_of(settings, reader).now(),
        )
    campaigns.close()
    fill_frequencies(settings, shared.frequencies, anew=True)
    return shared


def open_worker(settings: Settings, number: int = 0, shared: SharedTables | None = None) -> Worker:
    """Open the data folder for serving; recovers the worker's chain and what retries need.

    Args:
        settings: All settings.
        number: Of this worker; its journal chain is named for it.
        shared: Tables that it has in common with other workers; None for the only one.

    Raises:
        FailedPrecondition: If another server has the data folder, or it was written under another key.
        CorruptState: If the journal is damaged before its tail.
    """
    key = open_key(settings)
    campaigns = open_campaigns(settings)
    create_campaign_files(settings, campaigns)
    stores = snapshot_stores(settings)
    registry = Registry(campaigns, stores)
    registry.refresh()
    journal = settings.folder / "journal"
    arms = arms_of(campaigns, registry)
    writer = SegmentWriter(
        journal,
        chain_name(number),
        durability=settings.journal.durability,
        segment_bytes=settings.journal.segment_mb << 20,
        arms=arms,
    )
    clock = ClientClock(writer.recorded_at) if settings.clock == "client" else SystemClock()
    writer.append(Mark(), clock.now())
    writer.commit()
    ledger = open_ledger(settings.folder, settings.ledger.url, settings.ledger.prefix)
    if number == 0:
        _close_orphans(settings, campaigns, ledger, arms, clock.now())
    table, outcomes = open_memories(settings, number, shared, JournalReader(journal, arms=arms), clock.now())
    profiles = open_profiles(settings, key)
    deciding = Deciding(key, KnownShoppers(profiles))
    decisions = SharedRequestMemory(
        table, settings.request_ids.ttl_s, number, entry_reader(journal, arms), row_finder(journal, arms)
    )
    telemetry = open_telemetry(settings, number, registry, table, shared)
    commits = GroupCommit(WatchedWriter(writer, telemetry.commits))
    frequencies = shared.frequencies if shared is not None else _own_frequencies(settings)
    allowances = open_allowances(settings, ledger, chain_name(number), arms)
    refork = None if shared is None else _ask_for_new_workers
    reader = partial(JournalReader, journal, arms=arms)
    adoption = Adoption(registry, allowances, frequencies, reader, clock.now, refork)
    adoption.open(writer.position)
    telemetry.sources.append(allowance_gauges(allowances))

    async def mark() -> None:
        await commits.append(Mark(), clock.now())

    return Worker(
        delivery=Delivery(deciding, adoption, commits, clock, decisions, outcomes, telemetry.watch),
        explaining=Explaining(deciding),
        campaigns=campaigns,
        models=Models(campaigns, stores, registry),
        registry=registry,
        adoption=adoption,
        allowances=allowances,
        frequencies=frequencies if shared is None else None,
        commits=commits,
        telemetry=telemetry,
        clock=clock,
        desk=ErasureDesk(settings.folder / "erasing", chain_name(number), (frequencies,), writer.begin_segment, mark),
        retention=open_retention(settings, campaigns, ledger),
        profiles=profiles,
        number=number,
    )


def _own_frequencies(settings: Settings) -> Frequencies:
    """The caps of a worker that shares them with no other, as checkpoint and journal have them."""
    frequencies = Frequencies(settings.caps, settings.caps_table.users)
    fill_frequencies(settings, frequencies, anew=True)
    return frequencies


def _ask_for_new_workers() -> None:
    """Have the supervisor restart its workers, one by one."""
    os.kill(os.getppid(), signal.SIGHUP)


def _close_orphans(settings: Settings, campaigns: Campaigns, ledger: Ledger, arms: ArmsOf, now: datetime) -> None:
    """End the chains, and settle the budgets, of workers that there are no more."""
    own = [chain_name(i) for i in range(settings.server.workers)]
    close_orphans(settings.folder / "journal", now, keep=own)
    settle_orphans(settings, campaigns, ledger, arms, keep=own)


def open_memories(
    settings: Settings, number: int, shared: SharedTables | None, reader: JournalReader, now: datetime
) -> tuple[RequestTable, SharedOutcomeMemory]:
    """What a worker remembers of requests and outcomes, recalled from the journal."""
    ids = settings.request_ids
    table = shared.requests if shared is not None else RequestTable(ids.capacity, ids.ttl_s)
    known = shared.outcomes if shared is not None else RequestTable(ids.capacity, ids.ttl_s)
    outcomes = SharedOutcomeMemory(known, number)
    recall(reader, table, ids.ttl_s, outcomes, now, chain_name(number) if shared is not None else "")
    if shared is not None:
        for one in (table, known):
            with one.lock:
                one.drop_pending(number)  # of an earlier process of this worker: what it had written is recalled
    return table, outcomes


def open_telemetry(
    settings: Settings, number: int, registry: Registry, table: RequestTable, shared: SharedTables | None
) -> Telemetry:
    """What a worker tells of itself."""
    board, seen = (shared.board, shared.seen) if shared is not None else (None, None)
    telemetry = Telemetry(settings.telemetry, board, seen, number)
    telemetry.snapshots = snapshot_gauges(registry)
    telemetry.sources += (
        learner_gauges(registry, settings.folder),
        lease_gauges(SqliteLeases(settings.folder / "leases.db", SystemClock())),
        table_gauges(table),
    )
    return telemetry
