"""Several processes over one table of frequency caps, some of them killed: no cap is ever broken.

`ARMSREACH_KILLS` says how often.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import struct
import time
from collections import defaultdict

import numpy as np
import pytest

from engine.core.frequency_cap import FrequencyCap
from engine.store.tables import FULL, FrequencyTable

CAPS = [FrequencyCap(2, 1.0), FrequencyCap(5, 4.0)]
SHOPPERS = [hashlib.blake2b(bytes([i]), digest_size=16).digest() for i in range(24)]
SENT = struct.Struct("=Bd")
KILLS = int(os.environ.get("ARMSREACH_KILLS", "40"))


def one_by_one(table: FrequencyTable, chance: random.Random, out: int) -> None:
    """Ask, count, and only then tell, for one shopper."""
    number = chance.randrange(len(SHOPPERS))
    id, key = chance.randbytes(16), SHOPPERS[number]
    with table.lock:
        at = time.time()
        if table.blocked(key, at):
            return
        table.count(key, 0b11, at, id)
    os.write(out, SENT.pack(number, at))
    if chance.random() < 0.1:
        with table.lock:
            table.give_back(key, id, at)
        os.write(out, SENT.pack(number, -at))


def in_blocks(table: FrequencyTable, chance: random.Random, out: int) -> None:
    """The same for several at once."""
    numbers = np.array(chance.sample(range(len(SHOPPERS)), 9))
    keys = np.frombuffer(b"".join(SHOPPERS[i] for i in numbers), np.uint64).reshape(-1, 2)
    ids = np.frombuffer(chance.randbytes(16 * 9), np.uint8).reshape(-1, 16)
    with table.lock:
        at = time.time()
        free = np.flatnonzero(table.blocked_rows(keys, np.array([at]))[0] == 0)
        table.count_rows(keys[free], np.full(len(free), 0b11), np.full(len(free), at), ids[free])
    os.write(out, b"".join(SENT.pack(number, at) for number in numbers[free].tolist()))


def started(table: FrequencyTable, seed: int, out: int, turns: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        chance = random.Random(seed)
        for _ in range(turns):
            (one_by_one if chance.random() < 0.6 else in_blocks)(table, chance, out)
    finally:
        os._exit(0)


def told(inbox: int) -> bytes:
    """What lies in a pipe, without waiting."""
    parts = []
    while True:
        try:
            part = os.read(inbox, 1 << 16)
        except BlockingIOError:
            return b"".join(parts)
        if not part:
            return b"".join(parts)
        parts.append(part)


def sends_of(data: bytes) -> dict[int, list[float]]:
    """Shopper → times of what went out and was not given back."""
    sends: dict[int, list[float]] = defaultdict(list)
    for number, at in SENT.iter_unpack(data):
        if at > 0:
            sends[number].append(at)
        else:
            sends[number].remove(-at)
    return {number: sorted(times) for number, times in sends.items()}


def assert_no_cap_broken(sends: dict[int, list[float]]) -> None:
    """Given-back sends are left out, so it is exact: those that are left are no more than allowed."""
    for times in sends.values():
        for cap in CAPS:
            for first, after in zip(times, times[cap.most :], strict=False):
                assert after - first >= cap.within_s


def test_processes_that_race_never_break_a_cap() -> None:
    table = FrequencyTable(CAPS, 100, shared=True)
    inbox, out = os.pipe()
    os.set_blocking(inbox, False)
    begun = time.time()
    pids = [started(table, seed, out, 5_000) for seed in range(6)]
    data = b""
    while pids and time.time() < begun + 60:
        data += told(inbox)
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid in pids:
            pids.remove(pid)
            assert status == 0
    data += told(inbox)
    assert not pids
    sends = sends_of(data)
    assert_no_cap_broken(sends)
    seconds = time.time() - begun
    assert len(sends) == len(SHOPPERS)
    assert all(len(times) >= min(2, seconds) for times in sends.values()), "and what is allowed is sent"


def test_workers_that_are_killed_never_break_a_cap() -> None:
    table = FrequencyTable(CAPS, 100, shared=True)
    inbox, out = os.pipe()
    os.set_blocking(inbox, False)
    chance = random.Random(7)
    pids = [started(table, seed, out, 1 << 40) for seed in range(3)]
    data = b""
    try:
        for kill in range(KILLS):
            until = time.time() + chance.uniform(0.005, 0.06)
            while time.time() < until:
                data += told(inbox)
            victim = pids.pop(0)
            os.kill(victim, signal.SIGKILL)
            os.waitpid(victim, 0)
            pids.append(started(table, 100 + kill, out, 1 << 40))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    data += told(inbox)
    assert_no_cap_broken(sends_of(data))
    with table.lock:  # nobody holds it
        later = time.time() + 10
        assert [table.blocked(key, later) for key in SHOPPERS] == [0] * len(SHOPPERS)
    slots = sum(table.row(key) is not None for key in SHOPPERS)
    assert np.count_nonzero(table.rows.low) == slots == len(SHOPPERS), "no shopper stands twice"


class Killed(BaseException):
    """In place of the kernel's."""


class Words:
    """Memory whose user is killed before a store."""

    def __init__(self, words: memoryview, stores: int) -> None:
        self.words, self.left = words, stores

    def __getitem__(self, place):
        return self.words[place]

    def __setitem__(self, place, value) -> None:
        if not self.left:
            raise Killed
        self.left -= 1
        self.words[place] = value


@pytest.mark.parametrize("stores", range(5))
@pytest.mark.parametrize("occupied", [False, True])
def test_killed_before_any_store_leaves_every_earlier_send(stores: int, occupied: bool) -> None:
    """Of a shopper who is new, who is known, and whose row was another's whose sends are past."""
    table = FrequencyTable(CAPS, 1)
    if occupied:
        for i in range(100, 140):
            table.count(bytes([i]) * 16, 0b11, 10.0, b"x" * 16)
    table.count(SHOPPERS[0], 0b11, 100.0, b"a" * 16)
    words = table._words
    for key in (SHOPPERS[0], SHOPPERS[1]):
        before = table.row(key)
        table._words = Words(words, stores)  # type: ignore[assignment]
        try:
            table.count(key, 0b11, 100.5, b"b" * 16)
            finished = True
        except Killed:
            finished = False
        table._words = words
        after = table.row(key)
        assert set(before or ()) <= {*(after or ()), 0, table.windows.item(10.0, b"x" * 16)}
        assert not set(after or ()) - {*(before or ()), 0, table.windows.item(100.5, b"b" * 16)}
        if not finished:
            assert table.count(key, 0b11, 100.5, b"b" * 16), "another worker does it again"
        assert sum(item == table.windows.item(100.5, b"b" * 16) for item in table.row(key) or ()) == 2
        assert table.blocked(key, 100.5) in (0, 1)
    assert table.blocked(SHOPPERS[0], 100.5) == 1
    assert table.blocked(SHOPPERS[2], 100.5) != FULL
