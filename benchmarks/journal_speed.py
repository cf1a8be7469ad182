"""How fast the journal encodes, commits and reads, beside bare writes and syncs on the same disk in the same run.

    python benchmarks/journal_speed.py [--folder FOLDER] [--records N]

Each figure is a line: name, value, unit, and where there is a reference its ratio to it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.verdict import verdict
from engine.core.arm import HOLD, ArmId, ChannelId
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.outcome import Outcome, OutcomeType
from engine.journal import GroupCommit, JournalReader, SegmentWriter, decode, encode
from engine.journal.writer import Durability

AT = datetime(2026, 3, 1, tzinfo=UTC)


def decision() -> Decision:
    """One shopper with 64 dimensions and three attributes, 30 eligible arms and three excluded."""
    arms = (HOLD, *(ArmId(f"spring-{number:02d}/email/evening") for number in range(29)))
    return Decision(
        id="0123456789abcdef0123456789abcdef",
        campaign="spring",
        user="6f1ed002ab5595859014ebf0951522d9",
        decided_at=AT,
        arm=arms[3],
        eligible=arms,
        counts=np.full(30, (1 << 24) // 30, dtype=np.uint32),
        chosen_count=(1 << 24) // 30,
        seed=1 << 62,
        context=Context(
            np.linspace(-1, 1, 64, dtype=np.float32),
            {"city": "Hangzhou", "age": 31.0, "member": True},
            frozenset({ChannelId("email")}),
        ),
        mode=Mode.LIVE,
        catalogue="c0ffee" * 4,
        snapshot="00000007",
        policy="squarecb",
        excluded={ArmId(f"old-{number}/email/evening"): "paused" for number in range(3)},
    )


def result(name: str, value: float, unit: str, reference: float | None = None) -> None:
    ratio = "" if reference is None else f" ratio={value / reference:.3g}"
    print(f"{name:36} {value:.4g} {unit}{ratio}", flush=True)


def each_us(function: Callable[[], object], count: int) -> float:
    """Least of five means, in µs."""
    means = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(count // 5):
            function()
        means.append((time.perf_counter() - start) / (count // 5) * 1e6)
    return min(means)


def bare(folder: Path, block: bytes, count: int) -> float:
    """Blocks per second through write and fdatasync alone."""
    fd = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    start = time.perf_counter()
    for _ in range(count):
        os.write(fd, block)
        os.fdatasync(fd)
    elapsed = time.perf_counter() - start
    os.close(fd)
    return count / elapsed


async def grouped(folder: Path, durability: Durability, callers: int, count: int) -> tuple[float, float, float]:
    """Acknowledged records per second, and p50 and p99 of an append in ms."""
    group = GroupCommit(SegmentWriter(folder / f"{durability}-{callers}", "w0", durability))
    record, waits = decision(), []

    async def caller() -> None:
        for _ in range(count // callers):
            start = time.perf_counter()
            await group.append(record, AT)
            waits.append((time.perf_counter() - start) * 1e3)

    start = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    elapsed = time.perf_counter() - start
    await group.close()
    p50, p99 = np.percentile(waits, [50, 99])
    return len(waits) / elapsed, float(p50), float(p99)


def codec(count: int) -> None:
    record = decision()
    outcome = Outcome("o-1", "spring", OutcomeType.CLICK, AT, decision_id=record.id)
    for name, item in (("decision", record), ("outcome", outcome)):
        data = encode(item, AT)
        result(f"{name}_bytes", len(data), "bytes")
        result(f"{name}_encode", each_us(lambda item=item: encode(item, AT), count), "us")  # type: ignore[misc]
        result(f"{name}_decode", each_us(lambda data=data: decode(data), count), "us")  # type: ignore[misc]


def commits(folder: Path, count: int) -> None:
    block = encode(decision(), AT)
    reference = bare(folder, block, min(count, 2_000))
    result("bare_write_fdatasync", reference, "records/s")
    for durability in ("fsync", "write"):
        for callers in (1, 16, 256):
            rate, p50, p99 = asyncio.run(grouped(folder, durability, callers, count if callers > 1 else count // 10))
            result(f"group_commit_{durability}_{callers}_callers", rate, "records/s", reference)
            result(f"group_commit_{durability}_{callers}_callers_p50", p50, "ms")
            result(f"group_commit_{durability}_{callers}_callers_p99", p99, "ms")
            if callers == 256:
                verdict(f"group_commit_{durability}_ratio", rate / reference, 4.0, "bare_write_fdatasync")


def reading(folder: Path) -> None:
    start = time.perf_counter()
    count = sum(1 for _ in JournalReader(folder / "fsync-256").read())
    result("read", count / (time.perf_counter() - start), "records/s")
    start = time.perf_counter()
    SegmentWriter(folder / "fsync-256", "w0").close()
    result("open_and_recover", (time.perf_counter() - start) * 1e3, "ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None, help="where to write; by default the temporary folder")
    parser.add_argument("--records", type=int, default=20_000)
    options = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    print(f"command: {' '.join(sys.argv)}   commit: {commit.strip() or 'unknown'}   cores: {os.cpu_count()}")
    print(
        f"python {platform.python_version()}, numpy {np.__version__}, orjson {version('orjson')}, {platform.machine()}"
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        codec(options.records)
        commits(Path(folder), options.records)
        reading(Path(folder))


if __name__ == "__main__":
    main()
