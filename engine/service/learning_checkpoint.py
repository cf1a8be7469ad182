"""What a learner writes down so that a restart goes on where it was."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from engine.core.errors import CorruptState, Unavailable, UnsupportedVersion
from engine.journal import Positions
from engine.store.durable_files import replace_durably

SCHEMA = "armsreach.checkpoint.v1"
_MAGIC = b"ARCP"
_HEAD = struct.Struct("<4sI")
_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A learner's state right after a save point.

    Attributes:
        settings: Digest of the settings it was learned under.
        learned: Decisions learned.
        matured_at: Maturity of the last decision dealt with.
        decision_id: Its id; (maturity, id) is the training order.
        positions: Where a restart has to begin to read, so that the join is what it was.
        letters: Bytes of the dead-letter file at that moment.
        tallies: Counts of the join and of learning at that moment.
        model: The model with its optimiser's state.
    """

    settings: str
    learned: int
    matured_at: datetime
    decision_id: str
    positions: Positions
    letters: int
    tallies: Mapping[str, Mapping[str, int]]
    model: bytes

    def to_bytes(self) -> bytes:
        """Magic, length of the header, header as JSON, model, SHA-256 of all that."""
        header = orjson.dumps(
            {
                "schema": SCHEMA,
                "settings": self.settings,
                "learned": self.learned,
                "matured_at": self.matured_at.isoformat(),
                "decision_id": self.decision_id,
                "positions": self.positions.to_json(),
                "letters": self.letters,
                "tallies": {name: dict(tally) for name, tally in self.tallies.items()},
            }
        )
        body = _HEAD.pack(_MAGIC, len(header)) + header + self.model
        return body + hashlib.sha256(body).digest()

    @classmethod
    def from_bytes(cls, data: bytes, file: str) -> Checkpoint:
        """Read what `to_bytes` wrote.

        Raises:
            CorruptState: If it is anything else, or damaged.
            UnsupportedVersion: If a newer armsreach wrote it.
        """
        body, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
        if len(body) < _HEAD.size or hashlib.sha256(body).digest() != digest or body[:4] != _MAGIC:
            raise CorruptState(
                f"{file}: expected a checkpoint with its checksum; relearn with `python -m engine learn --rebuild`"
            )
        _, size = _HEAD.unpack_from(body)
        header = orjson.loads(body[_HEAD.size : _HEAD.size + size])
        if header["schema"] != SCHEMA:
            raise UnsupportedVersion(
                f"{file}: {header['schema']}, and this armsreach reads {SCHEMA}; upgrade armsreach here"
            )
        return cls(
            settings=header["settings"],
            learned=header["learned"],
            matured_at=datetime.fromisoformat(header["matured_at"]),
            decision_id=header["decision_id"],
            positions=Positions.from_json(header["positions"]),
            letters=header["letters"],
            tallies=header["tallies"],
            model=body[_HEAD.size + size :],
        )

    @classmethod
    def load(cls, path: Path) -> Checkpoint | None:
        """The checkpoint at `path`, None where there is none yet.

        Raises:
            CorruptState: If it is damaged.
            UnsupportedVersion: If a newer armsreach wrote it.
        """
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        return cls.from_bytes(data, str(path))

    def save(self, path: Path) -> None:
        """Put it in place of the last one, in one step.

        Raises:
            Unavailable: If the disk is full or failing; the last one stays.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_durably(path, self.to_bytes())
        except OSError as error:
            raise Unavailable(f"{path}: {error.strerror or error}; free space or repair the disk") from error
