"""The checkpoint of frequency caps: byte-exact, in bounded memory, and of every version so far."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.core.arm import ChannelId, SlotId
from engine.core.campaign import Campaign
from engine.core.errors import CorruptState, UnsupportedVersion
from engine.core.frequency_cap import FrequencyCap
from engine.core.placement import Channel, Slot
from engine.journal import Position, Positions
from engine.service.erasable_file import ErasableFile
from engine.service.frequencies import Frequencies
from engine.service.frequency_checkpoint import FrequencyDraft, read_frequencies, write_frequencies
from engine.service.frequency_parts import COUNT, MAGIC, SUM_BYTES

GOLDEN = Path(__file__).with_name("golden")
AT = Positions([Position("worker-0", 3, 640), Position("worker-1", 1, 64)])
CAP = FrequencyCap(4, 86_400.0)
USERS = 150_000


def filled(users: int = USERS) -> Frequencies:
    frequencies = Frequencies((CAP,), users)
    table, rng = dict(frequencies.tables())[""], np.random.default_rng(1)
    keys = rng.integers(1, 1 << 63, size=(users, 2), dtype=np.uint64)
    for sent in range(1, 4):
        some = keys[: users // sent]
        n = len(some)
        ids = rng.integers(0, 256, size=(n, 16), dtype=np.uint8)
        assert len(table.count_rows(some, np.ones(n, dtype=np.int64), np.full(n, 1.77e9 + sent), ids)) == 0
    return frequencies


def rows(frequencies: Frequencies) -> dict[bytes, bytes]:
    parts = [part for _, table in frequencies.tables() for part in table.copies()]
    return {key.tobytes(): row.tobytes() for keys, items in parts for key, row in zip(keys, items, strict=True)}


def peak(act: Callable[[], object]) -> int:
    """Bytes that Python and numpy held at most meanwhile; the tables' own memory is mapped and does not count."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def signed(body: bytes) -> bytes:
    return body + hashlib.blake2b(body, digest_size=SUM_BYTES).digest()


def test_neither_writing_nor_reading_takes_memory_for_every_shopper(tmp_path: Path) -> None:
    file, kept, again = tmp_path / "caps.checkpoint", filled(), Frequencies((CAP,), USERS)
    written = peak(lambda: write_frequencies(file, kept, AT))
    size = file.stat().st_size
    assert size > USERS * (16 + 8 * CAP.most)
    # A part has at most 2¹² buckets of 8 shoppers, 48 bytes each, and is held a few times over.
    bound = 4 * (1 << 12) * 8 * 48
    assert bound < size
    assert written < bound
    read = peak(lambda: read_frequencies(file, again))
    assert read < 2 * bound
    assert len(rows(again)) == USERS
    assert rows(again) == rows(kept)
    twice = tmp_path / "again.checkpoint"
    write_frequencies(twice, kept, AT)
    assert twice.read_bytes() == file.read_bytes()
    assert read_frequencies(twice, Frequencies((CAP,), USERS)) == AT


def test_a_checkpoint_of_the_first_version_is_read() -> None:
    expected = json.loads((GOLDEN / "caps.v1.json").read_text())
    other = Frequencies((FrequencyCap(4, 300.0),), 200)
    assert read_frequencies(GOLDEN / "caps.v1.checkpoint", other) is None, "other caps: nothing is filled"
    frequencies = golden_tables()
    assert read_frequencies(GOLDEN / "caps.v1.checkpoint", frequencies) == Positions([Position("worker-0", 1, 64)])
    found = {
        name: {
            key.tobytes().hex(): [sorted({*row[first:end]} - {0}) for first, end in table.windows.spans]
            for keys, items in table.copies()
            for key, row in zip(keys, items.tolist(), strict=True)
        }
        for name, table in frequencies.tables()
    }
    assert found == expected


def golden_tables() -> Frequencies:
    email, sms = ChannelId("email"), ChannelId("sms")
    frequencies = Frequencies((FrequencyCap(4, 300.0),), 200)
    for id, caps in {
        "one": (FrequencyCap(2, 200.0), FrequencyCap(1, 100.0, sms)),
        "three": (FrequencyCap(3, 400.0, email),),
    }.items():
        frequencies.open(Campaign(id, (Channel(email), Channel(sms)), (Slot(SlotId("now")),), caps=caps))
    return frequencies


def test_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "caps.checkpoint"
    head = json.dumps({"schema": "armsreach.caps.v3", "news": True}).encode()
    file.write_bytes(signed(MAGIC + COUNT.pack(len(head)) + head + b"who knows"))
    with pytest.raises(UnsupportedVersion, match=r"armsreach\.caps\.v2 or older, got armsreach\.caps\.v3; upgrade"):
        read_frequencies(file, filled(100))


@pytest.mark.parametrize(
    ("table", "count", "more"), [(1, 0, b""), (0, 1 << 30, b""), (0, 2, bytes(48)), (0, 0, b"rest")]
)
def test_parts_that_do_not_fit_are_refused(tmp_path: Path, table: int, count: int, more: bytes) -> None:
    """With a right checksum: what a faulty writer could leave takes no memory, and is not believed."""
    file, empty = tmp_path / "caps.checkpoint", Frequencies((CAP,), 100)
    write_frequencies(file, empty, AT)
    body = file.read_bytes()[:-SUM_BYTES]
    file.write_bytes(signed(body + table.to_bytes(4, "little") + count.to_bytes(4, "little") + more))
    with pytest.raises(CorruptState, match="remove it"):
        read_frequencies(file, empty)
    assert rows(empty) == {}


def test_a_draft_that_is_not_finished_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    file, kept = tmp_path / "caps.checkpoint", filled(100)
    write_frequencies(file, kept, AT)
    last = file.read_bytes()
    with FrequencyDraft(file, filled(200), AT) as draft:
        draft.append(next(draft.parts()))
    assert file.read_bytes() == last
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_shopper_forgotten_meanwhile_is_in_no_checkpoint(tmp_path: Path) -> None:
    file, kept = tmp_path / "caps.checkpoint", filled(100)
    write_frequencies(file, kept, AT)
    with FrequencyDraft(file, kept, AT) as draft:
        for part in draft.parts():
            draft.append(part)
        assert ErasableFile(file).erase(["anybody"]) == 1
        with pytest.raises(FileNotFoundError):
            draft.finish()
    assert list(tmp_path.iterdir()) == []
