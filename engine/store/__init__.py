"""What outlives a process beside the journal: snapshots, leases and documents."""

from engine.store.arm_matrix import ArmMatrix
from engine.store.current_pointer import CurrentPointer
from engine.store.document import Document
from engine.store.documents import DocumentStore
from engine.store.lease import Lease
from engine.store.leases import SqliteLeases
from engine.store.manifest import Manifest
from engine.store.snapshot import Snapshot
from engine.store.snapshots import SnapshotStore

__all__ = [
    "ArmMatrix",
    "CurrentPointer",
    "Document",
    "DocumentStore",
    "Lease",
    "Manifest",
    "Snapshot",
    "SnapshotStore",
    "SqliteLeases",
]
