"""The composition root: the only place that decides which parts work together."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.config import Settings, read_toml
from engine.core.arm import ArmId
from engine.core.errors import ArmsreachError, CorruptState, FailedPrecondition
from engine.core.keyed_hash import KeyedHash
from engine.journal import (
    ArmsOf,
    GroupCommit,
    JournalReader,
    Mark,
    Position,
    Positions,
    SegmentWriter,
    WatchedWriter,
    close_orphans,
)
from engine.service.adoption import Adoption
from engine.service.allowances import Allowances
from engine.service.campaigns import Campaigns
from engine.service.clocks import ClientClock, SystemClock
from engine.service.deciding import Deciding
from engine.service.delivery import Delivery
from engine.service.erasable_file import ErasableFile
from engine.service.erasure_desk import ErasureDesk
from engine.service.explaining import Explaining
from engine.service.forgetting import Forgetting
from engine.service.frequencies import Frequencies
from engine.service.frequency_checkpoint import FrequencyDraft, read_frequencies, write_frequencies
from engine.service.frequency_recall import recall_frequencies
from engine.service.learning_checkpoint import Checkpoint
from engine.service.models import Models
from engine.service.outcome_memory import SharedOutcomeMemory
from engine.service.recalling import chain_name, entry_reader, recall
from engine.service.registry import Registry
from engine.service.request_memory import SharedRequestMemory
from engine.service.retention import Holders, Retention
from engine.service.serving import Serving
from engine.service.spending import nothing_given_back, spent_behind
from engine.service.taking_over import Recover
from engine.store.documents import DocumentStore
from engine.store.key_fingerprint import require_same_key
from engine.store.leases import SqliteLeases
from engine.store.ledger import node_name, open_ledger
from engine.store.snapshots import SnapshotStore
from engine.store.tables import RequestTable
from engine.telemetry import Board, Telemetry
from engine.telemetry.gauges import allowance_gauges, learner_gauges, lease_gauges, snapshot_gauges, table_gauges
from engine.telemetry.seen_users import SeenUsers

if TYPE_CHECKING:
    from engine.service.learning import Learning

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
    number: int = 0

    async def refresh(self) -> None:
        """Look for news, of snapshots and of campaigns, and swap them in."""
        await asyncio.to_thread(self.registry.refresh)
        await self.adoption.follow(self._marked)

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
        draft = FrequencyDraft(self.frequencies, positions)
        for _ in draft.steps():
            await asyncio.sleep(0.005)
        await asyncio.to_thread(draft.write, caps_file(settings))

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


def open_campaigns(settings: Settings) -> Campaigns:
    """The campaigns of a data folder."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    return Campaigns(DocumentStore(settings.folder / "state.db"))


def create_campaign_files(settings: Settings, campaigns: Campaigns) -> list[str]:
    """Create the campaigns that the settings name, unless they exist.

    Raises:
        ConfigError: Naming file and key.
    """
    known = {stored.campaign.id for stored in campaigns.all()}
    made = []
    for name in settings.campaigns:
        data = read_toml(Path(name))
        if data.get("id") not in known:
            made.append(campaigns.create(data, file=name).campaign.id)
    return made


def snapshot_stores(settings: Settings) -> Callable[[str], SnapshotStore]:
    """Campaign id → its snapshots."""

    @cache
    def store(campaign: str) -> SnapshotStore:
        return SnapshotStore(settings.folder / "snapshots", campaign)

    return store


def arms_of(campaigns: Campaigns, servings: Mapping[str, Serving] | None = None) -> Callable[[str], Sequence[ArmId]]:
    """Catalogue digest → arm ids, for compact journal records.

    Catalogues that are being served are at hand: reading a large one from the store takes longer than a client waits.
    """

    @lru_cache(maxsize=256)
    def ids(digest: str) -> Sequence[ArmId]:
        for serving in (servings or {}).values():
            if serving.catalogue.digest == digest:
                return serving.catalogue.ids
        return campaigns.catalogue(digest).ids

    return ids


def open_key(settings: Settings) -> KeyedHash:
    """The server's key: from `ARMSREACH_SERVER_KEY` (hexadecimal), or made once and kept in the data folder.

    Raises:
        CorruptState: If the kept key is not what was written.
        FailedPrecondition: If the data folder was written under another key.
    """
    text = os.environ.get("ARMSREACH_SERVER_KEY")
    path = settings.folder / "server.key"
    if not text:
        settings.folder.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
        except FileExistsError:
            pass
        text = path.read_text()
    try:
        key = KeyedHash(bytes.fromhex(text.strip()))
    except ValueError:
        raise CorruptState(
            f"{path}: expected hexadecimal digits; restore the key, or holdout and control change"
        ) from None
    require_same_key(settings.folder, key)
    return key


def open_journal(settings: Settings, campaigns: Campaigns) -> JournalReader:
    """The journal of a data folder, for reading.

    Raises:
        FailedPrecondition: If there is none yet.
    """
    return JournalReader(journal_folder(settings), arms=arms_of(campaigns))


def journal_folder(settings: Settings) -> Path:
    """Where the journal of a data folder lies; looking for it makes no folder.

    Raises:
        FailedPrecondition: If there is none yet.
    """
    folder = settings.folder / "journal"
    if not folder.is_dir():
        raise FailedPrecondition(f"{settings.folder}: no server has used this data folder yet; start `serve` first")
    return folder


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


def clock_of(settings: Settings, reader: JournalReader) -> SystemClock | ClientClock:
    """The present: this machine's, or the journal's latest where requests tell the time."""
    return ClientClock(reader.latest()) if settings.clock == "client" else SystemClock()


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
    ids = settings.request_ids
    table = shared.requests if shared is not None else RequestTable(ids.capacity, ids.ttl_s)
    known = shared.outcomes if shared is not None else RequestTable(ids.capacity, ids.ttl_s)
    outcomes = SharedOutcomeMemory(known, number)
    if number == 0:
        close_orphans(journal, clock.now(), keep=[chain_name(i) for i in range(settings.server.workers)])
    own = chain_name(number) if shared is not None else ""
    recall(JournalReader(journal, arms=arms), table, ids.ttl_s, outcomes, clock.now(), own)
    if shared is not None:
        with table.lock:
            table.drop_pending(number)  # of an earlier process of this worker: what it had written is recalled
        with known.lock:
            known.drop_pending(number)
    deciding = Deciding(key)
    decisions = SharedRequestMemory(table, ids.ttl_s, number, entry_reader(journal, arms))
    telemetry = open_telemetry(settings, number, registry, table, shared)
    commits = GroupCommit(WatchedWriter(writer, telemetry.commits))
    frequencies = Frequencies(settings.caps, settings.caps_table.users) if shared is None else shared.frequencies
    if shared is None:
        fill_frequencies(settings, frequencies, anew=True)
    allowances = open_allowances(settings, chain_name(number), arms)
    adoption = Adoption(
        registry, allowances, frequencies, lambda: JournalReader(journal, arms=arms), clock.now,
        None if shared is None else lambda: os.kill(os.getppid(), signal.SIGHUP),
    )  # fmt: skip
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
        retention=open_retention(settings, campaigns),
        number=number,
    )


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


def open_retention(settings: Settings, campaigns: Campaigns, holders: Sequence[Holders] = ()) -> Retention:
    """What removes old segments of a data folder; learners that read on hold what they need.

    Args:
        settings: All settings.
        campaigns: Whose learners.
        holders: Who else recovers from the journal.
    """

    def learners() -> Iterable[Positions]:
        for stored in campaigns.all():
            saved = Checkpoint.load(learner_folder(settings, stored.campaign.id) / "checkpoint")
            yield saved.positions if saved is not None else Positions()

    # Retries find their decisions in the journal, and frequency caps what was sent.
    shop = max((cap.within_s for cap in settings.caps), default=0.0)
    own = max((cap.within_s for stored in campaigns.all() for cap in stored.campaign.caps), default=0.0)
    needed = max(settings.request_ids.ttl_s, shop, own)
    keep = max(timedelta(days=settings.journal.keep_days), timedelta(seconds=needed))
    keeps_all = not settings.journal.keep_days
    return Retention(settings.folder / "journal", None if keeps_all else keep, [learners, *holders])


def open_forgetting(settings: Settings, who: str) -> Forgetting:
    """What forgets shoppers of a data folder.

    Raises:
        FailedPrecondition: If there is no data folder yet, or it was written under another key.
    """
    journal_folder(settings)
    kept = (ErasableFile(caps_file(settings)),)
    return Forgetting(settings.folder, open_key(settings), SystemClock(), who, kept)


def learner_folder(settings: Settings, campaign: str) -> Path:
    """Where a campaign's learner keeps its files."""
    return settings.folder / "learner" / campaign


def open_allowances(settings: Settings, chain: str, arms: ArmsOf) -> Allowances:
    """A worker's budgets and stock, none of them open yet.

    What was given back since the last checkpoint is not taken in after a kill: too little is then left, never too much.
    """
    folder, journal = settings.folder, settings.folder / "journal"
    ledger = open_ledger(folder, settings.ledger.url, settings.ledger.prefix)

    def recover(campaign: str) -> Recover:
        return lambda at, prices: spent_behind(journal, at, campaign, prices, nothing_given_back, arms)

    return Allowances(ledger, f"{node_name(folder)}.{chain}", recover)


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
