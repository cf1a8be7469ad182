"""Frequency caps after a restart: what the journal gives back equals what was in memory."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.core.arm import HOLD, Arm, ArmId, ChannelId, SlotId, VariantId
from engine.core.campaign import Campaign
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.errors import CorruptState
from engine.core.frequency_cap import FrequencyCap
from engine.core.outcome import Outcome, OutcomeType
from engine.core.placement import Channel, Slot
from engine.core.variant import Variant
from engine.journal import JournalReader, Record, SegmentWriter
from engine.service.capped_frequency import CappedFrequency
from engine.service.frequencies import Frequencies
from engine.service.frequency import COUNTED
from engine.service.frequency_checkpoint import read_frequencies, write_frequencies
from engine.service.frequency_recall import Recalled, recall_frequencies

START = datetime(2026, 3, 1, tzinfo=UTC)
EMAIL, SMS = ChannelId("email"), ChannelId("sms")
SHOP = (FrequencyCap(4, 300.0),)
CAPS = {
    "one": (FrequencyCap(2, 200.0), FrequencyCap(1, 100.0, SMS)),
    "two": (),
    "three": (FrequencyCap(3, 400.0, EMAIL),),
}


def campaign(id: str) -> Campaign:
    texts = {EMAIL: {"subject": "x"}, SMS: {"text": "x"}}
    variants = (Variant(VariantId("v"), channels=texts),)
    return Campaign(id, (Channel(EMAIL), Channel(SMS)), (Slot(SlotId("now")),), variants=variants, caps=CAPS[id])


def opened() -> Frequencies:
    frequencies = Frequencies(SHOP, 200)
    for id in CAPS:
        frequencies.open(campaign(id))
    return frequencies


def decision(number: int, campaign: str, user: str, at: datetime, arm: str, mode: Mode = Mode.LIVE) -> Decision:
    context = Context(np.zeros(0, dtype=np.float32))
    id = f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128):032x}"
    return Decision(id, campaign, user, at, ArmId(arm), (ArmId(arm),), None, 1 << 24, 0, context, mode, "cat")


def not_sent(of: Decision, at: datetime) -> Outcome:
    return Outcome(f"o{of.id}", of.campaign, OutcomeType.NOT_SENT, at, decision_id=of.id, reason="bounced")


def counting(frequencies: Frequencies, now: datetime) -> dict[str, dict[str, list[set[int]]]]:
    """Table → shopper → for each cap, the items that still count."""
    found: dict[str, dict[str, list[set[int]]]] = defaultdict(dict)
    for name, table in frequencies.tables():
        for keys, items in table.copies():
            for key, row in zip(keys, items.tolist(), strict=True):
                young = []
                for cap, (first, end) in zip(table.windows.caps, table.windows.spans, strict=True):
                    oldest = int((now.timestamp() - cap.within_s) * 16) + 1 << 24
                    young.append({item for item in row[first:end] if item >= oldest})
                if any(young):
                    found[name][key.tobytes().hex()] = young
    return dict(found)


class World:
    """Two workers over one folder, taking turns; sends, holds, shadows and bounces."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.writers = [SegmentWriter(folder, f"worker-{i}", segment_bytes=3_000) for i in range(2)]
        self.frequencies = opened()
        self.of = {id: self.frequencies.of(campaign(id), campaign(id).catalogue()) for id in CAPS}
        self.users = [f"{self.chance.getrandbits(128):032x}" for _ in range(30)]
        self.sent: list[Decision] = []
        self.now = START
        self.number = 0

    def run(self, turns: int) -> None:
        for _ in range(turns):
            self.now += timedelta(seconds=self.chance.choice([0.0, 0.1, 0.5, 2.0]))
            writer = self.chance.choice(self.writers)
            writer.append(self.bounce() if self.sent and self.chance.random() < 0.15 else self.decide(), self.now)
            writer.commit()

    def decide(self) -> Record:
        self.number += 1
        name, user = self.chance.choice(list(CAPS)), self.chance.choice(self.users)
        mode = self.chance.choice([Mode.LIVE] * 6 + [Mode.CONTROL, Mode.FALLBACK, Mode.SHADOW])
        frequency, at = self.of[name], self.now.timestamp()
        assert isinstance(frequency, CappedFrequency)
        codes = frequency.codes(frequency.blocked([user], [at])[0])
        column = self.chance.choice([i for i in range(3) if codes is None or not codes[i]])
        made = decision(self.number, name, user, self.now, campaign(name).catalogue().ids[column], mode)
        counted = column if mode in COUNTED else 0
        assert frequency.count([user], [counted], [at], [bytes.fromhex(made.id)]) == []
        if counted:
            self.sent.append(made)
        return made

    def bounce(self) -> Record:
        made = self.sent.pop(self.chance.randrange(max(0, len(self.sent) - 40), len(self.sent)))
        self.frequencies.give_back(made.campaign, made.user, bytes.fromhex(made.id), made.decided_at)
        return not_sent(made, self.now)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.mark.parametrize("seed", range(4))
def test_memory_is_the_same_after_a_restart(journal: Path, seed: int) -> None:
    world = World(journal, seed)
    world.run(1500)
    again, reader = opened(), JournalReader(journal)
    assert len(list(reader.read(reader.positions_before(world.now - timedelta(seconds=400))))) < 1400, (
        "some are skipped"
    )
    recalled = recall_frequencies(reader, again, world.now)
    expected = counting(world.frequencies, world.now)
    assert set(expected) == {"", "one", "three"}
    assert counting(again, world.now) == expected
    assert recalled.given_back > 20
    assert recalled.forgotten == 0
    assert recall_frequencies(JournalReader(journal), again, world.now) == recalled
    assert counting(again, world.now) == expected, "a second time changes nothing"
    recall_frequencies(JournalReader(journal), world.frequencies, world.now)
    assert counting(world.frequencies, world.now) == expected, "nor over what is there already"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("at_hand", [True, False])
def test_a_checkpoint_and_what_came_behind_it(journal: Path, tmp_path: Path, seed: int, at_hand: bool) -> None:
    world, file = World(journal, seed), tmp_path / "caps.checkpoint"
    world.run(900)
    positions = JournalReader(journal).positions_before(world.now)
    world.run(30)  # counted in the checkpoint, and behind its positions
    write_frequencies(file, world.frequencies, positions)
    everything = {d.id: d for d in world.sent}
    world.run(200)
    again = opened()
    since = read_frequencies(file, again)
    assert since == positions
    tail = len(list(JournalReader(journal).read(since)))
    assert tail < 400

    def known(id: str) -> tuple[str, int, datetime] | None:
        made = everything.get(id) if at_hand else None
        return None if made is None else (made.user, 1, made.decided_at)

    recall_frequencies(JournalReader(journal), again, world.now, since, known)
    assert counting(again, world.now) == counting(world.frequencies, world.now)


def test_only_what_went_out_counts(journal: Path) -> None:
    user = "0123456789abcdef" * 2
    sends = [
        decision(1, "one", user, START, "v/sms/now"),
        decision(2, "one", user, START, HOLD),
        decision(3, "one", user, START, "v/email/now", Mode.SHADOW),
        decision(4, "one", user, START, "gone/email/later"),
        decision(5, "two", user, START, "v/email/now", Mode.FORCED),
        decision(6, "nobody's", user, START, "v/email/now", Mode.CONTROL),
        decision(7, "one", user, START, "v/email/now"),
    ]
    writer = SegmentWriter(journal, "worker-0")
    writer.append_many([not_sent(sends[6], START), *sends], START)  # reported before it was seen
    writer.commit()
    frequencies = opened()
    assert recall_frequencies(JournalReader(journal), frequencies, START) == Recalled(6, 1, 0)
    tables = dict(frequencies.tables())
    items = [tables[""].windows.item(START.timestamp(), bytes.fromhex(sends[i].id)) for i in (0, 3, 4, 5)]
    assert sorted(tables[""].row(bytes.fromhex(user)) or ()) == sorted(items)
    assert tables["one"].row(bytes.fromhex(user)) == (items[0], items[1], items[0])
    assert tables["one"].blocked(bytes.fromhex(user), START.timestamp()) == 0b11
    assert Arm.parse(sends[3].arm).channel == EMAIL


def test_sends_without_room_are_told_of(journal: Path) -> None:
    writer = SegmentWriter(journal, "worker-0")
    writer.append_many(
        [
            decision(i, "two", f"{i * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128):032x}", START, "v/sms/now")
            for i in range(1, 41)
        ],
        START,
    )
    writer.commit()
    small = Frequencies(SHOP, 1)
    found = recall_frequencies(JournalReader(journal), small, START)
    assert found.sends == 40
    assert 24 <= found.forgotten < 40


def test_without_caps_nothing_is_read(tmp_path: Path) -> None:
    assert recall_frequencies(JournalReader(tmp_path / "none"), Frequencies((), 9), START) == Recalled(0, 0, 0)


def test_a_checkpoint_of_other_caps_is_left_aside(journal: Path, tmp_path: Path) -> None:
    world, file = World(journal, 1), tmp_path / "caps.checkpoint"
    world.run(100)
    write_frequencies(file, world.frequencies, JournalReader(journal).positions_before(world.now))
    other = Frequencies((), 200)
    other.open(campaign("one"))
    assert read_frequencies(file, other) is None
    assert counting(other, world.now) == {}
    assert read_frequencies(tmp_path / "none.checkpoint", other) is None


def test_a_damaged_checkpoint_is_refused(journal: Path, tmp_path: Path) -> None:
    world, file = World(journal, 1), tmp_path / "caps.checkpoint"
    world.run(100)
    write_frequencies(file, world.frequencies, JournalReader(journal).positions_before(world.now))
    whole = file.read_bytes()
    for place in range(0, len(whole), 97):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        again = opened()
        with pytest.raises(CorruptState, match="remove it"):
            read_frequencies(file, again)
        assert counting(again, world.now) == {}
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptState, match="remove it"):
        read_frequencies(file, opened())


def test_a_checkpoint_with_more_shoppers_than_there_is_room_for_is_refused(journal: Path, tmp_path: Path) -> None:
    world, file = World(journal, 1), tmp_path / "caps.checkpoint"
    world.run(300)
    write_frequencies(file, world.frequencies, JournalReader(journal).positions_before(world.now))
    small = Frequencies(SHOP, 1)
    for id in CAPS:
        small.open(campaign(id))
    with pytest.raises(CorruptState, match=r"caps_table\.users"):
        read_frequencies(file, small)
