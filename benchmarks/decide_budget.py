"""Where the time of a `Decide` goes, part by part, in µs a request, for blocks of several sizes.

    python benchmarks/decide_budget.py [--sizes 1,8,32]

Each part is timed by itself on real requests (30 sendable arms, 64 dimensions), so the sum leaves out what lies between
them: coroutines, futures and the event loop. docs/decide-budget.md keeps the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving_world import CAMPAIGN, campaign, prepare, requests, settings_of
from engine.core.decision_block import DecisionBlock
from engine.journal.record import encode_many
from engine.journal.segment import frame
from engine.pb.armsreach.v1 import delivery_pb2 as wire
from engine.server import codec
from engine.service.decided import Decided
from engine.service.deciding import Deciding
from engine.store.tables import RequestTable
from engine.wiring import open_key, open_worker


class Parts:
    """Times parts of the same requests, one after the other."""

    def __init__(self, size: int, rounds: int) -> None:
        self.size = size
        self.rounds = rounds
        self.us: dict[str, float] = {}

    def time(self, name: str, work: Callable[[int], Any]) -> list[Any]:
        """Call `work` with the number of each block; keeps the least of three means."""
        best, found = float("inf"), []
        for _ in range(3):
            began = time.perf_counter()
            found = [work(i) for i in range(self.rounds)]
            best = min(best, time.perf_counter() - began)
        self.us[name] = 1e6 * best / (self.rounds * self.size)
        return found


async def measure(folder: Path, size: int) -> dict[str, float]:
    """Every part, for blocks of `size`."""
    made = campaign()
    settings, _ = settings_of(folder, learner={"enabled": False})
    prepare(settings, made)
    worker = open_worker(settings)
    serving = worker.delivery.serving(CAMPAIGN)
    deciding: Deciding = Deciding(open_key(settings))
    rounds = max(20, 1_600 // size)
    data = [m.SerializeToString() for m in requests(made, rounds * size, 100_000)]
    parts = Parts(size, rounds)

    def part(items: Sequence[Any], i: int) -> Sequence[Any]:
        return items[i * size : (i + 1) * size]

    def flat(rows: list[Any]) -> list[Any]:
        return [item for row in rows for item in row]

    parsed = flat(parts.time("parse (protobuf)", lambda i: [wire.DecideRequest.FromString(d) for d in part(data, i)]))
    asked = flat(parts.time("decode", lambda i: [codec.decide_request(m) for m in part(parsed, i)]))
    named = flat(parts.time("identify", lambda i: [deciding.identify(r) for r in part(asked, i)]))
    table = RequestTable(100_000, 900.0)
    parts.time("request id: find", lambda i: [table.get(one.id) for one in part(named, i)])
    at = worker.clock.now()
    ready = flat(
        parts.time(
            "check, encode, rules",
            lambda i: [
                deciding.prepare(serving, r, one, at) for r, one in zip(part(asked, i), part(named, i), strict=True)
            ],
        )
    )
    blocks: list[DecisionBlock] = parts.time(
        "score, explore, draw", lambda i: deciding.draw(serving, part(ready, i))[0]
    )
    now = at.timestamp()

    slots: dict[bytes, int] = {}

    def claim(i: int) -> None:
        for one in part(named, i):
            table.drop(one.id)
            slots[one.id] = table.claim(one.id, now, 0)

    parts.time("request id: claim", claim)
    payloads = parts.time("journal: encode", lambda i: encode_many(blocks[i], at))
    parts.time("journal: frame", lambda i: [frame(payload, 0) for payload in payloads[i]])
    parts.time("request id: settle", lambda i: [table.settle(slots[one.id], one.id, 1, 2, 3) for one in part(named, i)])
    answers = flat(
        parts.time(
            "encode answer",
            lambda i: [codec.decide_response(Decided(serving, None, blocks[i], k), "r", 1) for k in range(size)],
        )
    )
    parts.time("serialise (protobuf)", lambda i: [m.SerializeToString() for m in part(answers, i)])

    async def whole(i: int) -> None:
        await asyncio.gather(*[worker.delivery.answer(r) for r in part(asked, i)])

    began, cpu = time.perf_counter(), time.process_time()
    for i in range(rounds):
        await whole(i)
    parts.us["whole Delivery.answer, wall"] = 1e6 * (time.perf_counter() - began) / (rounds * size)
    parts.us["whole Delivery.answer, CPU"] = 1e6 * (time.process_time() - cpu) / (rounds * size)
    await worker.close()
    return parts.us


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1,8,32")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    columns = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="decide-budget-") as folder:
            import uvloop

            columns.append(uvloop.run(measure(Path(folder), size)))
    print(f"command: {' '.join(sys.argv)}\n\n| µs a request, blocks of | {' | '.join(map(str, sizes))} |")
    print("|---|" + "--:|" * len(sizes))
    for name in columns[0]:
        print(f"| {name} | " + " | ".join(f"{column[name]:.1f}" for column in columns) + " |")


if __name__ == "__main__":
    main()
