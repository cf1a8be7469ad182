"""Frequency caps as a campaign's decisions meet them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.arm import ChannelId, SlotId, VariantId
from engine.core.campaign import Campaign
from engine.core.exclusions import Exclusions
from engine.core.forgotten import forgotten_name
from engine.core.frequency_cap import FrequencyCap
from engine.core.placement import Channel, Slot
from engine.core.variant import Variant
from engine.service.frequencies import Frequencies
from engine.service.no_frequency import NoFrequency
from engine.store.tables import FULL, NullLock, TableLock

EMAIL, SMS = ChannelId("email"), ChannelId("sms")
NOW = 1_750_000_000.0
HOLD, BY_EMAIL, BY_SMS = 0, 1, 2


def campaign(id: str = "c", caps: tuple[FrequencyCap, ...] = ()) -> Campaign:
    texts = {EMAIL: {"subject": "x"}, SMS: {"text": "x"}}
    return Campaign(
        id,
        (Channel(EMAIL), Channel(SMS)),
        (Slot(SlotId("now")),),
        variants=(Variant(VariantId("v"), channels=texts),),
        caps=caps,
    )


def opened(frequencies: Frequencies, made: Campaign):
    frequencies.open(made)
    return frequencies.of(made, made.catalogue())


def user(number: int) -> str:
    return f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128):032x}"


def ids(*numbers: int) -> list[bytes]:
    return [number.to_bytes(16, "little") for number in numbers]


def test_without_caps_there_is_nothing_to_ask():
    made = campaign()
    frequency = opened(Frequencies((), 100), made)
    assert isinstance(frequency, NoFrequency)
    assert not frequency.active
    assert frequency.blocked(["a", "b"], [NOW, NOW]) == [0, 0]
    assert frequency.codes(0) is None
    assert frequency.count([user(1)], [1], [NOW], ids(1)) == []


def test_the_forgotten_are_counted_no_more():
    frequencies, made = Frequencies((FrequencyCap(5, 1e6),), 100), campaign(caps=(FrequencyCap(1, 1e6),))
    frequency = opened(frequencies, made)
    frequency.count([user(1), user(2)], [BY_EMAIL, BY_EMAIL], [NOW, NOW], ids(1, 2))
    assert all(frequency.blocked([user(1), user(2)], [NOW, NOW]))
    assert frequencies.erase([user(1), user(3)]) == 2, "in the campaign's table and the shop's"
    assert frequencies.erase([user(1)]) == 0
    assert [bool(bits) for bits in frequency.blocked([user(1), user(2)], [NOW, NOW])] == [False, True]
    frequencies.erase([forgotten_name()])


@pytest.mark.parametrize("crowd", [0, 20])
def test_campaign_channel_and_shop(crowd):
    """Alone and in a crowd, which goes the way of arrays."""
    frequencies = Frequencies((FrequencyCap(3, 100.0),), 100)
    one = opened(frequencies, campaign("one", (FrequencyCap(2, 100.0), FrequencyCap(1, 100.0, SMS))))
    two = opened(frequencies, campaign("two"))
    others = [user(i) for i in range(100, 100 + crowd)]
    users, at = [user(1), *others], [NOW] * (1 + crowd)

    def sent(frequency, column, id):
        return frequency.count(users, [column] + [HOLD] * crowd, at, [*ids(id), *ids(*range(1000, 1000 + crowd))])

    assert sent(one, BY_SMS, 1) == []
    assert one.blocked(users, at) == [0b010] + [0] * crowd
    assert two.blocked(users, at) == [0] * (1 + crowd)
    assert sent(one, BY_EMAIL, 2) == []
    assert one.blocked(users, at) == [0b011] + [0] * crowd
    assert sent(two, BY_SMS, 3) == []
    assert one.blocked(users, at) == [0b111] + [0] * crowd
    assert two.blocked(users, at) == [0b001] + [0] * crowd
    one.give_back(user(1), ids(1)[0])
    assert one.blocked(users, at) == [0] * (1 + crowd)
    assert two.blocked(users, at) == [0] * (1 + crowd)
    assert all(table.row(bytes.fromhex(other)) is None for other in others for _, table in frequencies.tables())


def test_reached_caps_narrow_what_the_rules_left():
    frequency = opened(Frequencies((FrequencyCap(1, 9.0, EMAIL),), 9), campaign(caps=(FrequencyCap(1, 9.0, SMS),)))
    rules = Exclusions(campaign().catalogue().ids, np.array([0, 0, 1], np.uint8), ("no_consent",))
    assert frequency.narrowed(rules, 0) is rules
    assert dict(frequency.narrowed(rules, 0b01)) == {"v/sms/now": "no_consent"}
    assert dict(frequency.narrowed(rules, 0b11)) == {"v/sms/now": "no_consent", "v/email/now": "shop_cap"}
    assert dict(frequency.narrowed(Exclusions(rules.ids, np.zeros(3, np.uint8), ()), 0b01)) == {
        "v/sms/now": "channel_cap"
    }


def test_no_shopper_stands_twice_in_a_round():
    frequency = opened(Frequencies((FrequencyCap(1, 9.0),), 9), campaign())
    assert [list(r) for r in frequency.rounds(["a", "b", "c"])] == [[0, 1, 2]]
    assert [list(r) for r in frequency.rounds([])] == [[]]
    assert [list(r) for r in frequency.rounds(["a", "b", "a", "c", "a", "b"])] == [[0, 1, 3], [2, 5], [4]]


@pytest.mark.parametrize("crowd", [1, 40])
def test_a_send_without_room_in_one_table_counts_in_none(crowd):
    frequencies = Frequencies((FrequencyCap(1, 9.0),), 1)  # sixteen slots
    one = opened(frequencies, campaign("one", (FrequencyCap(1, 9.0),)))
    two = opened(frequencies, campaign("two"))
    for i in range(200):
        two.count([user(i)], [BY_EMAIL], [NOW], ids(i))  # fills the shop's table
    users = [u for u in map(user, range(200, 400)) if one.blocked([u], [NOW]) == [FULL]][:crowd]
    assert len(users) == crowd
    at = [NOW] * crowd
    assert one.blocked(users, at) == [FULL] * crowd
    assert one.codes(FULL) is None
    assert one.count(users, [BY_EMAIL] * crowd, at, ids(*range(crowd))) == list(range(crowd))
    own = dict(frequencies.tables())["one"]
    assert all(own.row(bytes.fromhex(u)) in (None, (0,)) for u in users)


def test_changed_caps_get_a_table_of_their_own():
    frequencies = Frequencies((), 9)
    made = campaign(caps=(FrequencyCap(1, 9.0),))
    assert frequencies.open(made)
    assert not frequencies.open(made)
    assert not frequencies.open(replace(made, paused=True))
    assert frequencies.open(replace(made, caps=(FrequencyCap(2, 9.0),)))
    assert frequencies.longest_s == 9.0
    assert not frequencies.open(replace(made, caps=()))
    assert frequencies.longest_s == 0.0


@pytest.mark.parametrize("shop", [(), (FrequencyCap(9, 9.0),)])
def test_a_table_made_apart_is_locked_once_it_is_adopted(shop):
    frequencies = Frequencies(shop, 9, shared=True)
    fresh = frequencies.fresh(campaign(caps=(FrequencyCap(2, 9.0),)))
    assert all(isinstance(table.lock, NullLock) for _, table in fresh.tables())
    frequencies.adopt(fresh)
    assert [isinstance(table.lock, TableLock) for _, table in frequencies.tables()] == [True] * (1 + len(shop))
    assert len({table.lock for _, table in frequencies.tables()}) == 1


def test_a_table_made_apart_is_adopted():
    frequencies = Frequencies((FrequencyCap(9, 9.0),), 9)
    before = opened(frequencies, campaign(caps=(FrequencyCap(1, 9.0),)))
    before.count([user(1)], [BY_SMS], [NOW], ids(1))
    changed = campaign(caps=(FrequencyCap(2, 9.0),))
    assert frequencies.fresh(campaign(caps=(FrequencyCap(1, 9.0),))) is None
    assert frequencies.fresh(campaign()) is None
    fresh = frequencies.fresh(changed)
    assert [name for name, _ in fresh.tables()] == ["c"]
    assert before.blocked([user(1)], [NOW]) == [1]
    frequencies.adopt(fresh)
    after = frequencies.of(changed, changed.catalogue())
    after.count([user(1)], [BY_SMS], [NOW], ids(2))
    assert after.blocked([user(1)], [NOW]) == [0]
    after.count([user(1)], [BY_SMS], [NOW], ids(3))
    assert after.blocked([user(1)], [NOW]) == [1]
    assert before.blocked([user(1)], [NOW]) == [1], "requests under way finish with what they began with"
    assert dict(frequencies.tables())[""].row(bytes.fromhex(user(1))).count(0) == 6


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 40)), min_size=7, max_size=60))
def test_few_and_many_rows_are_the_same(requests):
    """The same decisions one at a time, and in blocks."""
    caps, shop = (FrequencyCap(2, 20.0), FrequencyCap(1, 30.0, SMS)), (FrequencyCap(3, 25.0),)
    alone, together = (opened(Frequencies(shop, 9), campaign(caps=caps)) for _ in range(2))
    requests = sorted(requests, key=lambda request: request[2])
    for begin in range(0, len(requests), 20):
        block = requests[begin : begin + 20]
        users = [user(number) for number, _, _ in block]
        at = [NOW + late for _, _, late in block]
        names = ids(*(begin * 1000 + i for i in range(len(block))))
        for rows in together.rounds(users):
            some, moments = [users[i] for i in rows], [at[i] for i in rows]
            bits = together.blocked(some, moments)
            assert bits == [alone.blocked([u], [a])[0] for u, a in zip(some, moments, strict=True)]
            columns = [column_of(alone, bit, block[i][1]) for bit, i in zip(bits, rows, strict=True)]
            assert together.count(some, columns, moments, [names[i] for i in rows]) == []
            for row, column in zip(rows, columns, strict=True):
                assert alone.count([users[row]], [column], [at[row]], [names[row]]) == []


def column_of(frequency, bits: int, wanted: int) -> int:
    codes = frequency.codes(bits)
    return wanted if codes is None or not codes[wanted] else HOLD
