"""The composition root: the only place that decides which parts work together."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.config import Settings, read_toml
from engine.core.arm import ArmId
from engine.core.clock import Clock
from engine.core.decision import Decision
from engine.core.errors import CorruptState, FailedPrecondition
from engine.core.keyed_hash import KeyedHash
from engine.core.outcome import Outcome
from engine.journal import (
    ArmsOf,
    BatchEnd,
    GroupCommit,
    JournalReader,
    Mark,
    Position,
    Positions,
    SegmentWriter,
    close_orphans,
    framed_lengths,
    records_at,
)
from engine.journal.segment import HEADER_BYTES
from engine.service.batch_request import MAX_ROWS
from engine.service.campaigns import Campaigns
from engine.service.clocks import ClientClock, SystemClock
from engine.service.deciding import Deciding
from engine.service.delivery import Delivery
from engine.service.erasure_desk import ErasureDesk
from engine.service.explaining import Explaining
from engine.service.forgetting import Forgetting
from engine.service.learning_checkpoint import Checkpoint
from engine.service.models import Models
from engine.service.outcome_memory import OutcomeMemory
from engine.service.registry import Registry
from engine.service.request_memory import SharedRequestMemory
from engine.service.retention import Holders, Retention
from engine.service.serving import Serving
from engine.store.documents import DocumentStore
from engine.store.key_fingerprint import require_same_key
from engine.store.leases import SqliteLeases
from engine.store.snapshots import SnapshotStore
from engine.store.tables import RequestEntry, RequestTable
from engine.store.tables.request_table import State

if TYPE_CHECKING:
    from engine.service.learning import Learning

MAX_WORKERS = 256
_RECALLED_AT_ONCE = 4 * MAX_ROWS


@dataclass(frozen=True, slots=True)
class Worker:
    """Everything that one serving process needs.

    Attributes:
        delivery: Decides and records.
        explaining: Explains.
        campaigns: What people set.
        models: Published snapshots.
        registry: The campaigns as they stand; `refresh` swaps in news.
        commits: The journal's writer; to be closed last.
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
    commits: GroupCommit
    clock: SystemClock | ClientClock
    desk: ErasureDesk
    retention: Retention
    number: int = 0

    async def mark(self) -> None:
        """Write a heartbeat, so that learning can go on while nobody asks anything."""
        await self.commits.append(Mark(), self.clock.now())

    async def close(self) -> None:
        """Make everything durable and let the journal go."""
        await self.commits.close()


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
    """

    requests: RequestTable


def open_shared(settings: Settings) -> SharedTables:
    """Make the tables of several workers, and fill them from the journal.

    Raises:
        CorruptState: If the journal is damaged before its tail.
    """
    campaigns = open_campaigns(settings)
    create_campaign_files(settings, campaigns)
    table = RequestTable(settings.request_ids.capacity, settings.request_ids.ttl_s, shared=True)
    journal = settings.folder / "journal"
    if journal.is_dir():
        reader = JournalReader(journal, arms=arms_of(campaigns))
        recall(reader, table, settings.request_ids.ttl_s, OutcomeMemory(1), SystemClock())
    campaigns.close()
    return SharedTables(table)


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
    outcomes = OutcomeMemory(ids.capacity)
    if number == 0:
        close_orphans(journal, clock.now(), keep=[chain_name(i) for i in range(settings.server.workers)])
    recall(JournalReader(journal, arms=arms), table, ids.ttl_s, outcomes, clock)
    if shared is not None:
        with table.lock:
            table.drop_pending(number)  # of an earlier process of this worker: what it had written is recalled
    deciding = Deciding(key)
    decisions = SharedRequestMemory(table, ids.ttl_s, number, entry_reader(journal, arms))
    commits = GroupCommit(writer)

    async def mark() -> None:
        await commits.append(Mark(), clock.now())

    return Worker(
        delivery=Delivery(deciding, registry, commits, clock, decisions, outcomes),
        explaining=Explaining(deciding),
        campaigns=campaigns,
        models=Models(campaigns, stores, registry),
        registry=registry,
        commits=commits,
        clock=clock,
        desk=ErasureDesk(settings.folder / "erasing", chain_name(number), (), writer.begin_segment, mark),
        retention=open_retention(settings, campaigns),
        number=number,
    )


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

    # Retries find their decisions in the journal.
    keep = max(timedelta(days=settings.journal.keep_days), timedelta(seconds=settings.request_ids.ttl_s))
    keeps_all = not settings.journal.keep_days
    return Retention(settings.folder / "journal", None if keeps_all else keep, [learners, *holders])


def open_forgetting(settings: Settings, who: str) -> Forgetting:
    """What forgets shoppers of a data folder.

    Raises:
        FailedPrecondition: If there is no data folder yet, or it was written under another key.
    """
    journal_folder(settings)
    return Forgetting(settings.folder, open_key(settings), SystemClock(), who)


def learner_folder(settings: Settings, campaign: str) -> Path:
    """Where a campaign's learner keeps its files."""
    return settings.folder / "learner" / campaign


def entry_reader(journal: Path, arms: ArmsOf) -> Callable[[RequestEntry], list[Decision]]:
    """Reads the decisions of a remembered request."""

    def read(entry: RequestEntry) -> list[Decision]:
        position = Position(chain_name(entry.chain), entry.segment, entry.end)
        found = [r for r in records_at(journal, position, entry.length, arms) if isinstance(r, Decision)]
        if not found:
            raise CorruptState(f"{journal}: expected a decision at {position}; restore the journal from a copy")
        return found

    return read


def chain_name(worker: int) -> str:
    """The journal chain of a worker."""
    return f"worker-{worker}"


def recall(reader: JournalReader, table: RequestTable, ttl_s: float, outcomes: OutcomeMemory, clock: Clock) -> None:
    """Fill the memories from the journal, so that a retry after a restart finds its decision."""
    now = clock.now()
    numbers = {chain_name(i): i for i in range(MAX_WORKERS)}
    ends: dict[str, Position] = {}
    waiting: dict[str, list[RequestEntry]] = {}

    def restore(entries: Iterable[RequestEntry]) -> None:
        for entry in entries:
            if entry.at > now.timestamp() - ttl_s:
                table.restore(entry, now.timestamp())

    with table.lock:
        for position, entry in reader.read(reader.positions_before(now - timedelta(seconds=ttl_s))):
            record, chain = entry.record, position.chain
            before = ends.get(chain, Position(chain, position.segment, HEADER_BYTES))
            (length,) = framed_lengths(before, [position])
            young = waiting.setdefault(chain, [])
            if isinstance(record, Decision) and chain in numbers:
                place = (position.segment, position.offset, length, numbers[chain], State.DURABLE)
                young.append(RequestEntry(bytes.fromhex(record.id), int(record.decided_at.timestamp()), *place))
            elif isinstance(record, BatchEnd) and chain in numbers:
                # Its rows are remembered as one; the batch may be sent again, but none of its rows alone.
                end = position.offset - length
                while young and young[-1].segment == position.segment and young[-1].end > end - record.length:
                    young.pop()
                place = (position.segment, end, record.length, numbers[chain], State.DURABLE)
                young.append(RequestEntry(record.id, int(entry.recorded_at.timestamp()), *place))
            elif isinstance(record, Outcome):
                outcomes.add([f"{record.campaign}\0{record.id}"])
            if len(young) > _RECALLED_AT_ONCE:
                restore(young[:-MAX_ROWS])
                del young[:-MAX_ROWS]
            ends[chain] = position
        for entries in waiting.values():
            restore(entries)


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
