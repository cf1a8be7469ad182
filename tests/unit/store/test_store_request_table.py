"""The table of request ids holds as many as it promises."""

from __future__ import annotations

import hashlib

import pytest

from engine.core.errors import ResourceExhausted
from engine.store.tables import RequestTable


def id_of(number: int) -> bytes:
    return hashlib.blake2b(number.to_bytes(8, "little"), digest_size=16).digest()


def test_as_many_young_ids_fit_as_are_promised() -> None:
    """With one bucket for an id some hundred of these would be refused."""
    capacity = 32_768
    table = RequestTable(capacity, 900.0)
    for number in range(capacity):
        slot = table.claim(id_of(number), 1_000.0, 0)
        table.settle(slot, id_of(number), 1, number, 10)
    for number in range(0, capacity, 7):
        entry = table.get(id_of(number))
        assert entry is not None
        assert entry.end == number
        assert table.starting(id_of(number)[:8]) == entry


def test_an_id_whose_buckets_are_full_is_refused_until_an_entry_is_old() -> None:
    table = RequestTable(8, 900.0)  # sixteen slots, one bucket
    for number in range(16):
        table.claim(id_of(number), 1_000.0 + number, 0)
    with pytest.raises(ResourceExhausted, match=r"request_ids\.capacity"):
        table.claim(id_of(16), 1_899.0, 0)
    table.claim(id_of(16), 1_900.0, 0)
    assert table.get(id_of(0)) is None
    assert table.get(id_of(16)) is not None


def test_an_entry_that_leaves_makes_room_for_its_own_id_only_once() -> None:
    table = RequestTable(8, 900.0)
    for number in range(16):
        table.claim(id_of(number), 1_000.0, 0)
    table.drop(id_of(3))
    assert table.claim(id_of(3), 1_001.0, 0) >= 0
    with pytest.raises(ResourceExhausted):
        table.claim(id_of(99), 1_001.0, 0)
