"""What frequency caps cost a decision, in a table of a million shoppers.

Prints microseconds a shopper for asking and counting, alone and in blocks of 4,096, with a campaign's caps and the
shop's; the references in the same run are a dictionary of deques, and a bare gather of as many rows of the same width
out of an array of the same size. Shoppers are drawn at random, so that hardly any row is in a cache.
"""

from __future__ import annotations

import gc
import platform
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable

import numpy as np

from engine.core.arm import ChannelId, SlotId, VariantId
from engine.core.campaign import Campaign
from engine.core.frequency_cap import FrequencyCap
from engine.core.placement import Channel, Slot
from engine.core.variant import Variant
from engine.service.frequencies import Frequencies
from engine.store.tables import FrequencyTable

USERS = 1_000_000
BLOCK = 4096
CAPS = (FrequencyCap(3, 7 * 86_400.0), FrequencyCap(1, 86_400.0, ChannelId("sms")))
SHOP = (FrequencyCap(5, 7 * 86_400.0),)
NOW = 1_780_000_000.0
RUNS = 41


def result(what: str, us: list[float], unit: str = "µs a shopper") -> float:
    middle = statistics.median(us)
    print(
        f"RESULT {what:<64}{middle:>9.3f} {unit} (quartiles {np.quantile(us, 0.25):.3f} to {np.quantile(us, 0.75):.3f})"
    )
    return middle


def timed(call: Callable[[], object], times: int) -> float:
    """Microseconds for one of `times`; without garbage collection, as `timeit` does it."""
    gc.disable()
    start = time.perf_counter()
    call()
    us = (time.perf_counter() - start) / times * 1e6
    gc.enable()
    return us


def campaign() -> Campaign:
    texts = {ChannelId("email"): {"subject": "x"}, ChannelId("sms"): {"text": "x"}}
    return Campaign(
        "c",
        (Channel(ChannelId("email")), Channel(ChannelId("sms"))),
        (Slot(SlotId("now")),),
        variants=(Variant(VariantId("v"), channels=texts),),
        caps=CAPS,
    )


def filled(table: FrequencyTable, keys: np.ndarray, chance: np.random.Generator) -> None:
    mask = (1 << len(table.windows.caps)) - 1
    for begin in range(0, len(keys), 1 << 16):
        part = keys[begin : begin + (1 << 16)]
        ids = chance.integers(0, 256, (len(part), 16), dtype=np.uint8)
        table.count_rows(part, np.full(len(part), mask), NOW - chance.uniform(0, 6e5, len(part)), ids)


class Deques:
    """The plain way: one process, no sharing, no give-back in a row."""

    def __init__(self, keys: list[bytes], windows: list[tuple[int, float]], chance: np.random.Generator) -> None:
        self.windows = windows
        times = (NOW - chance.uniform(0, 6e5, len(keys))).tolist()
        self.of = {key: [deque([at]) for _ in windows] for key, at in zip(keys, times, strict=True)}

    def blocked(self, key: bytes, at: float) -> int:
        """Forget what is past; bit i where cap i is reached."""
        bits = 0
        for i, (sends, (most, within)) in enumerate(zip(self.of.get(key, ()), self.windows, strict=True)):
            while sends and sends[0] <= at - within:
                sends.popleft()
            bits |= (len(sends) >= most) << i
        return bits

    def count(self, key: bytes, at: float) -> None:
        """Note a send for every cap."""
        for sends in self.of.setdefault(key, [deque() for _ in self.windows]):
            sends.append(at)


def tables(chance: np.random.Generator) -> None:
    """One table by itself, and the references."""
    keys = chance.integers(1, 1 << 63, (USERS, 2), dtype=np.uint64)
    table = FrequencyTable(CAPS, USERS)
    filled(table, keys, chance)
    print(
        f"one table: {len(table.memory.buffer) / 1e6:.0f} MB for {USERS:,} shoppers, {table.windows.width} items each"
    )
    bare = np.zeros((8 * len(table.rows.low), table.windows.width), dtype=np.int64)
    bare += 1
    asked, counted, gathered, ones, counts = [], [], [], [], []
    for run in range(RUNS):
        some = keys[chance.choice(USERS, BLOCK, replace=False)]
        ids = chance.integers(0, 256, (BLOCK, 16), dtype=np.uint8)
        caps, at = np.full(BLOCK, 0b11), np.full(BLOCK, NOW + run)
        slots = chance.integers(0, len(bare), BLOCK)
        gathered.append(timed(lambda s=slots: bare.take(s, axis=0), BLOCK))
        asked.append(timed(lambda s=some, a=at: table.blocked_rows(s, a[:1]), BLOCK))
        _, found = table.blocked_rows(some, at[:1])
        counted.append(timed(lambda s=some, c=caps, a=at, i=ids, f=found: table.count_rows(s, c, a, i, f), BLOCK))
        single = [row.tobytes() for row in keys[chance.choice(USERS, 500, replace=False)]]
        now = NOW + 100 + run
        ones.append(timed(lambda s=single, n=now: [table.blocked(key, n) for key in s], 500))
        counts.append(timed(lambda s=single, n=now: [table.count(key, 0b11, n, b"0123456789abcdef") for key in s], 500))
    reference = result("reference: bare gather of 4,096 rows", gathered)
    both = result("table, 4,096 at a time: ask", asked) + result("table, 4,096 at a time: count", counted)
    print(f"RESULT ask and count, over the bare gather: {both / reference:.1f} ×")
    result("table, one at a time: ask", ones)
    result("table, one at a time: count", counts)
    ours = statistics.median(ones) + statistics.median(counts)
    names = [row.tobytes() for row in keys]
    plain = Deques(names, [(cap.most, cap.within_s) for cap in CAPS], chance)
    asked, counted = [], []
    for run in range(RUNS):
        single = [row.tobytes() for row in keys[chance.choice(USERS, 500, replace=False)]]
        asked.append(timed(lambda s=single, n=NOW + run: [plain.blocked(key, n) for key in s], 500))
        counted.append(timed(lambda s=single, n=NOW + run: [plain.count(key, n) for key in s], 500))
    theirs = result("reference: dictionary of deques, ask", asked) + result(
        "reference: dictionary of deques, count", counted
    )
    print(f"RESULT ask and count one at a time, over the dictionary: {ours / theirs:.1f} ×")


def campaigns(chance: np.random.Generator) -> None:
    """What a decision pays in all: pseudonyms as text, both tables, locks that other processes could hold."""
    frequencies = Frequencies(SHOP, USERS, shared=True)
    made = campaign()
    frequencies.open(made)
    keys = chance.integers(1, 1 << 63, (USERS, 2), dtype=np.uint64)
    for _, table in frequencies.tables():
        filled(table, keys, chance)
    frequency = frequencies.of(made, made.catalogue())

    def block(users: list[str], columns: list[int], at: list[float], ids: list[bytes]) -> None:
        for rows in frequency.rounds(users):
            assert len(rows) == len(users)
            with frequency.lock:
                for bits in set(frequency.blocked(users, at)):
                    frequency.codes(bits)
                frequency.count(users, columns, at, ids)

    for size in (1, 16, BLOCK):
        runs = []
        for run in range(RUNS):
            times = max(1, 256 // size)
            some = keys[chance.choice(USERS, times * size, replace=False)]
            users = [row.tobytes().hex() for row in some]
            ids = [row.tobytes() for row in chance.integers(0, 256, (times * size, 16), dtype=np.uint8)]
            columns = chance.integers(0, 3, times * size).tolist()
            at = [NOW + run] * size
            parts = [slice(begin, begin + size) for begin in range(0, times * size, size)]
            blocks = [(users[part], columns[part], at, ids[part]) for part in parts]
            runs.append(timed(lambda b=blocks: [block(*one) for one in b], times * size))
        result(f"campaign and shop, locks, {size:,} together: all calls", runs)


def main() -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(" ".join(sys.argv), commit.stdout.strip(), platform.processor() or platform.machine(), sys.version.split()[0])
    tables(np.random.default_rng(0))
    campaigns(np.random.default_rng(1))


if __name__ == "__main__":
    main()
