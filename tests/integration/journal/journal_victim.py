"""A writer to be killed: several tasks append through one group commit and print what was acknowledged."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.core.outcome import Outcome, OutcomeType
from engine.journal import GroupCommit, SegmentWriter

START = datetime(2026, 3, 1, tzinfo=UTC)


async def main(folder: str, durability: str, seed: int, first: int) -> None:
    writer = SegmentWriter(Path(folder), "w0", durability, segment_bytes=8_000)  # type: ignore[arg-type]
    group = GroupCommit(writer)
    chance = random.Random(seed)

    async def task(name: int) -> None:
        for number in range(first, first + 20_000):
            outcome = Outcome(
                f"{name}-{number}", "c", OutcomeType.CLICK, START, decision_id="d", reason="x" * chance.randrange(300)
            )
            await group.append(outcome, START + timedelta(milliseconds=number))
            os.write(1, f"{name}-{number}\n".encode())

    await asyncio.gather(*(task(name) for name in range(4)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
