"""The append-only event log: segment chains, group commit, recovery and reading."""

from engine.journal.appender import Appender
from engine.journal.arms_of import ArmsOf
from engine.journal.batch_head import UNNAMED, BatchHead
from engine.journal.batch_index import BatchIndex
from engine.journal.dead_letters import DeadLetters
from engine.journal.entry import Entry, Record
from engine.journal.erasing import Erased, erase_users, live_chains
from engine.journal.files import FileJournal
from engine.journal.framed_lengths import framed_lengths
from engine.journal.group_commit import Added, GroupCommit
from engine.journal.journal import Journal
from engine.journal.journal_failed import JournalFailed
from engine.journal.lookup import batch_index, records_at, row_at
from engine.journal.mark import Mark
from engine.journal.memory import MemoryJournal
from engine.journal.orphans import begin_anew, close_orphans
from engine.journal.position import Position
from engine.journal.positions import Positions
from engine.journal.reader import JournalReader
from engine.journal.record import decode, encode
from engine.journal.retention import remove_before
from engine.journal.watched_writer import CommitWatch, WatchedWriter
from engine.journal.writer import SegmentWriter

__all__ = [
    "UNNAMED",
    "Added",
    "Appender",
    "ArmsOf",
    "BatchHead",
    "BatchIndex",
    "CommitWatch",
    "DeadLetters",
    "Entry",
    "Erased",
    "FileJournal",
    "GroupCommit",
    "Journal",
    "JournalFailed",
    "JournalReader",
    "Mark",
    "MemoryJournal",
    "Position",
    "Positions",
    "Record",
    "SegmentWriter",
    "WatchedWriter",
    "batch_index",
    "begin_anew",
    "close_orphans",
    "decode",
    "encode",
    "erase_users",
    "framed_lengths",
    "live_chains",
    "records_at",
    "remove_before",
    "row_at",
]
