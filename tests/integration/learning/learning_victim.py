"""A real learner's process, to be killed: `learning_victim.py FOLDER NAME SEED`."""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from engine.journal import JournalReader
from engine.service.campaigns import Campaigns
from engine.service.learning import Learning
from engine.store import DocumentStore, SnapshotStore, SqliteLeases


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def main(folder: Path, name: str, seed: int) -> None:
    campaigns = Campaigns(DocumentStore(folder / "state.db"))
    learning = Learning(
        campaign=campaigns.get("spring").campaign,
        reader=JournalReader(folder / "journal"),
        catalogues=campaigns.catalogue,
        snapshots=SnapshotStore(folder / f"{name}.snapshots", "spring"),
        leases=SqliteLeases(folder / f"{name}.leases.db", Clock()),
        folder=folder / name,
        clock=Clock(),
        holder="victim",
    )
    rng, idle = random.Random(seed), 0
    while idle < 100:
        idle = 0 if learning.step(most=rng.randint(1, 40)) else idle + 1
        print(learning.learned, flush=True)
    (folder / f"{name}.model").write_bytes(learning.to_bytes())
    learning.close()
    print("done", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
