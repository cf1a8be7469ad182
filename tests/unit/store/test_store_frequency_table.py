"""The table of frequency caps: by hand, and against a list of sends."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.frequency_cap import FrequencyCap
from engine.store.tables import FULL, FrequencyTable

A, B, C = b"a" * 16, b"b" * 16, b"c" * 16
NOW = 1_750_000_000.0


def key(number: int) -> bytes:
    return number.to_bytes(8, "little") + (number * 0x9E3779B97F4A7C15 & (1 << 64) - 1).to_bytes(8, "little")


def keys(*numbers: int) -> np.ndarray:
    return np.frombuffer(b"".join(map(key, numbers)), np.uint64).reshape(-1, 2)


@pytest.fixture
def table():
    made = FrequencyTable([FrequencyCap(2, 10.0), FrequencyCap(3, 100.0)], 100)
    yield made
    made.close()


def test_a_shopper_nobody_wrote_to_is_free(table):
    assert table.blocked(key(1), NOW) == 0
    assert table.blocked_rows(keys(1, 2), np.array([NOW]))[0].tolist() == [0, 0]
    assert table.row(key(1)) is None


def test_sends_reach_the_caps_that_they_count_for(table):
    table.count(key(1), 0b11, NOW, A)
    assert table.blocked(key(1), NOW) == 0
    table.count(key(1), 0b01, NOW + 1, B)
    assert table.blocked(key(1), NOW + 1) == 0b01
    assert table.blocked(key(1), NOW + 10) == 0, "the first is past"
    table.count(key(1), 0b11, NOW + 10, C)
    assert table.blocked(key(1), NOW + 10) == 0b01
    table.count(key(1), 0b11, NOW + 20, b"d" * 16)
    assert table.blocked(key(1), NOW + 20) == 0b10
    assert table.blocked(key(2), NOW + 20) == 0


def test_a_shopper_is_forgotten_and_begins_anew(table):
    for number in range(1, 60):
        table.count(key(number), 0b11, NOW, A)
    before = table.row(key(3))
    assert table.forget(key(7))
    assert not table.forget(key(7))
    assert table.row(key(7)) is None
    assert key(7) not in bytes(table.memory.buffer)
    assert table.row(key(3)) == before
    table.count(key(7), 0b01, NOW + 1, B)
    assert sorted(table.row(key(7))) == [0, 0, 0, 0, table.windows.item(NOW + 1, B)]


def test_a_send_counts_once(table):
    for _ in range(3):
        table.count(key(1), 0b11, NOW, A)
        table.count_rows(keys(1), np.array([0b11]), np.array([NOW]), np.frombuffer(A, np.uint8).reshape(1, 16))
    assert sorted(table.row(key(1))) == [0, 0, 0, table.windows.item(NOW, A), table.windows.item(NOW, A)]


@pytest.mark.parametrize("at", [None, NOW + 1])
def test_a_send_is_given_back_alone(table, at):
    table.count(key(1), 0b11, NOW, A)
    table.count(key(1), 0b11, NOW + 1, B)
    assert table.give_back(key(1), C, at) == 0
    assert table.give_back(key(2), B, at) == 0
    assert table.blocked(key(1), NOW + 2) == 0b01
    assert table.give_back(key(1), B, at) == 0b11
    assert table.give_back(key(1), B, at) == 0
    assert table.blocked(key(1), NOW + 2) == 0
    assert sorted(table.row(key(1)))[3:] == [table.windows.item(NOW, A)] * 2


def test_a_known_time_tells_apart_ids_that_begin_alike(table):
    twin = A[:3] + b"z" * 13
    table.count(key(1), 0b01, NOW, A)
    table.count(key(1), 0b01, NOW + 1, twin)
    table.give_back(key(1), twin, NOW + 1)
    assert table.windows.item(NOW, A) in table.row(key(1))


def test_a_send_from_before_those_that_fill_the_row_is_let_go(table):
    table.count(key(1), 0b01, NOW, A)
    table.count(key(1), 0b01, NOW + 1, B)
    table.count(key(1), 0b01, NOW - 5, C)
    assert table.windows.item(NOW - 5, C) not in table.row(key(1))


@pytest.mark.parametrize("other", [bytes(8) + A[8:], A[:8] + bytes(8), bytes(16)])
def test_keys_with_zeros_are_keys(table, other):
    table.count(other, 0b01, NOW, A)
    table.count(other, 0b01, NOW, B)
    assert table.blocked(other, NOW) == 0b01
    rows = np.frombuffer(other, np.uint64).reshape(1, 2)
    assert table.blocked_rows(rows, np.array([NOW]))[0].tolist() == [0b01]
    assert table.blocked(A, NOW) == 0


def test_shoppers_whose_low_halves_are_the_same_are_told_apart():
    table = FrequencyTable([FrequencyCap(1, 10.0)], 9)  # two buckets: all of them meet
    twins = [A[:8] + bytes([i]) * 8 for i in (1, 2, 3, 200)]
    for twin in twins[1:3]:
        table.count(twin, 1, NOW, A)
    rows = np.frombuffer(b"".join(twins), np.uint64).reshape(-1, 2)
    assert [table.blocked(twin, NOW) for twin in twins] == [0, 1, 1, 0]
    assert table.blocked_rows(rows, np.array([NOW]))[0].tolist() == [0, 1, 1, 0]


def test_a_full_table_refuses_until_sends_are_past():
    table = FrequencyTable([FrequencyCap(1, 10.0)], 1)  # sixteen slots
    for i in range(16):
        table.count(key(i + 1), 1, NOW + i, A)
    held = [i + 1 for i in range(16) if table.row(key(i + 1))]
    new = next(i for i in range(100, 999) if table.blocked(key(i), NOW + 5) == FULL)
    assert table.blocked_rows(keys(new, held[0]), np.array([NOW + 5]))[0].tolist() == [FULL, 1]
    assert not table.count(key(new), 1, NOW + 5, B)
    assert table.count_rows(
        keys(held[0], new), np.array([1, 1]), np.array([NOW + 5] * 2), np.frombuffer(B * 2, np.uint8).reshape(2, 16)
    ).tolist() == [1]
    assert table.blocked(key(new), NOW + 30) == 0
    assert table.count(key(new), 1, NOW + 30, B)
    assert table.blocked(key(new), NOW + 30) == 1
    assert sum(table.row(key(i)) is not None for i in held) == len(held) - 1, "one made room"


def test_no_shopper_of_a_batch_makes_room_for_another():
    table = FrequencyTable([FrequencyCap(1, 10.0)], 1)
    numbers = list(range(1, 40))
    ids = np.frombuffer(b"".join(bytes([i]) * 16 for i in numbers), np.uint8).reshape(-1, 16)
    n = len(numbers)
    refused = set(table.count_rows(keys(*numbers), np.ones(n, int), np.full(n, NOW), ids).tolist())
    assert n - 16 <= len(refused) < n
    for i, number in enumerate(numbers):
        assert (table.row(key(number)) is None) == (i in refused)
        if i not in refused:
            assert table.row(key(number)) == (table.windows.item(NOW, bytes([number]) * 16),)


def test_as_many_shoppers_fit_as_promised():
    table = FrequencyTable([FrequencyCap(1, 10.0)], 20_000)
    many = np.random.default_rng(5).integers(1, 1 << 63, (20_000, 2), dtype=np.uint64)
    ids = np.zeros((20_000, 16), np.uint8)
    assert table.count_rows(many, np.ones(20_000, int), np.full(20_000, NOW), ids).tolist() == []
    assert (table.blocked_rows(many, np.array([NOW]))[0] == 1).all()
    copied = [np.concatenate(part) for part in zip(*table.copies(), strict=True)]
    assert len(copied[0]) == 20_000
    again = FrequencyTable([FrequencyCap(1, 10.0)], 20_000)
    assert again.restore(np.concatenate([copied[0], copied[0][:5]]), np.concatenate([copied[1], copied[1][:5]])) == 0
    assert again.restore(copied[0][:5], copied[1][:5] * 0) == 0, "told of again: the first telling counts"
    assert (again.blocked_rows(many, np.array([NOW]))[0] == 1).all()


CAPS = st.lists(
    st.builds(FrequencyCap, st.integers(1, 4), st.sampled_from([1.0, 7.5, 20.0, 60.0])), min_size=1, max_size=3
)
STEP = st.tuples(
    st.sampled_from(["count", "count", "count", "back"]),
    st.lists(st.integers(1, 12), min_size=1, max_size=6, unique=True),
    st.integers(1, 7),
    st.sampled_from([0.0, 0.0625, 1.0, 3.3, 10.0, 30.0, -2.0]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CAPS, st.lists(STEP, max_size=40), st.booleans())
def test_both_routes_do_as_a_list_of_sends(caps, steps, crowded):
    """Only what caps allow is counted, so that nothing that still counts is ever pushed out.

    After a clock steps back, the table may have forgotten what was past before.
    """
    one, many = (FrequencyTable(caps, 3 if crowded else 50) for _ in range(2))
    sends: dict[int, list[tuple[float, int, bytes]]] = {}
    at, latest = NOW, NOW
    for what, users, mask, step in steps:
        at += step
        latest = max(at, latest)
        counted = [sum(1 << i for i in range(len(caps)) if mask >> i & 1)] * len(users)
        expected = [_reached(caps, sends.get(user, []), at, at) for user in users]
        at_least = [_reached(caps, sends.get(user, []), at, latest) for user in users]
        got = [one.blocked(key(user), at) for user in users]
        assert many.blocked_rows(keys(*users), np.array([at]))[0].tolist() == got
        for bits, most, least in zip(got, expected, at_least, strict=True):
            assert bits == FULL or (bits & least == least and bits | most == most)
            assert bits in (FULL, most) or at < latest
            assert bits != FULL or least == 0
        if what == "back":
            for user in users:
                if sends.get(user):
                    moment, _, id = sends[user].pop()
                    for table in (one, many):
                        table.give_back(key(user), id, moment)
            continue
        free = [i for i, bits in enumerate(got) if not bits & counted[i] and bits != FULL]
        ids = [os.urandom(16) for _ in free]
        if not free or not counted[0]:
            continue
        done = [one.count(key(users[i]), counted[i], at, id) for i, id in zip(free, ids, strict=True)]
        refused = many.count_rows(
            keys(*(users[i] for i in free)),
            np.array([counted[i] for i in free]),
            np.full(len(free), at),
            np.frombuffer(b"".join(ids), np.uint8).reshape(-1, 16),
        )
        assert [i for i, fits in enumerate(done) if not fits] == refused.tolist()
        for i, id, fits in zip(free, ids, done, strict=True):
            if fits:
                sends.setdefault(users[i], []).append((at, counted[i], id))
    one.close()
    many.close()


def _reached(caps, sends, at, latest):
    """What sends reach that are past neither now nor at a later time that was seen.

    Times of sends are taken up to the next sixteenth of a second, the present down to it.
    """
    now = np.floor(max(at, latest) * 16) / 16
    bits = 0
    for i, cap in enumerate(caps):
        within = [s for s in sends if s[1] >> i & 1 and np.ceil(s[0] * 16) / 16 > now - cap.within_s]
        bits |= (len(within) >= cap.most) << i
    return bits


def test_what_was_looked_up_is_used_and_checked():
    table = FrequencyTable([FrequencyCap(1, 10.0)], 9)  # two buckets: shoppers are offered the same slots
    looked = {number: table.look(key(number), NOW) for number in (1, 2, 3)}
    assert all(bits == 0 and found < 0 for bits, found in looked.values())
    for number, (_, found) in looked.items():
        assert table.count(key(number), 1, NOW, A, found)
    assert [table.row(key(number)) for number in looked] == [(table.windows.item(NOW, A),)] * 3
    bits, slot = table.look(key(2), NOW)
    assert (bits, slot >= 0) == (1, True)
    assert table.count(key(3), 1, NOW + 11, B, slot), "the place of another shopper is not believed"
    assert table.row(key(2)) == (table.windows.item(NOW, A),)
    assert table.row(key(3)) == (table.windows.item(NOW + 11, B),)


def test_shoppers_of_one_batch_who_are_offered_one_slot_get_one_each():
    table = FrequencyTable([FrequencyCap(1, 10.0)], 1)
    numbers = list(range(1, 9))
    bits, found = table.blocked_rows(keys(*numbers), np.array([NOW]))
    assert not bits.any()
    assert len(set(found.tolist())) < len(numbers), "some are offered the same"
    ids = np.frombuffer(b"".join(bytes([i]) * 16 for i in numbers), np.uint8).reshape(-1, 16)
    refused = table.count_rows(keys(*numbers), np.ones(8, int), np.full(8, NOW), ids, found)
    assert refused.tolist() == []
    for number in numbers:
        assert table.row(key(number)) == (table.windows.item(NOW, bytes([number]) * 16),)
