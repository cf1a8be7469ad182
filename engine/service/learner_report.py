"""What a learner says of itself, for the metrics of servers: a small file that is replaced every second or so."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from engine.core.errors import CorruptState
from engine.journal import Positions

FILE = "report.json"


@dataclass(frozen=True, slots=True)
class LearnerReport:
    """How far a campaign's learner has come.

    Attributes:
        at_s: When, in seconds since 1970.
        learned: Decisions learned since the journal's start.
        backlog: Records and ids that wait in the join.
        positions: The end of what was read, by chain.
        join: Records by what became of them in the join.
        dead_letters: Records set aside.
    """

    at_s: float
    learned: int
    backlog: int
    positions: Positions
    join: Mapping[str, int]
    dead_letters: int

    def save(self, folder: Path) -> None:
        """Replace the report in `folder`. It is worth nothing after a power cut, so it is not synced.

        Raises:
            OSError: If the disk is full or failing.
        """
        document = {
            "at_s": self.at_s,
            "learned": self.learned,
            "backlog": self.backlog,
            "positions": self.positions.to_json(),
            "join": dict(self.join),
            "dead_letters": self.dead_letters,
        }
        part = folder / f"{FILE}.part"
        part.write_bytes(orjson.dumps(document))
        os.replace(part, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> LearnerReport | None:
        """The report in `folder`; None where there is none, or no legible one."""
        try:
            document = orjson.loads((folder / FILE).read_bytes())
            positions = Positions.from_json(document.pop("positions"))
            return cls(positions=positions, **document)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, CorruptState):
            return None
