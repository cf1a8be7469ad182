from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import CorruptState
from engine.journal import Position, Positions

positions = st.builds(
    Positions,
    st.lists(
        st.builds(
            Position, st.text("abc-9", min_size=1, max_size=4), st.integers(0, 99_999_999), st.integers(0, 1 << 40)
        ),
        max_size=5,
    ),
)


@given(positions)
def test_json_round_trip(where: Positions) -> None:
    assert Positions.from_json(json.loads(json.dumps(where.to_json()))) == where


def test_after_leaves_the_original_alone() -> None:
    first = Positions([Position("a", 1, 20)])
    second = first.after(Position("a", 2, 16)).after(Position("b", 1, 30))
    assert first.to_json() == {"a": {"segment": 1, "offset": 20}}
    assert second["a"] == Position("a", 2, 16)
    assert set(second) == {"a", "b"}


def test_covers_follows_the_order_of_writing() -> None:
    where = Positions([Position("a", 2, 100)])
    assert where.covers(Position("a", 1, 9_999))
    assert where.covers(Position("a", 2, 100))
    assert not where.covers(Position("a", 2, 101))
    assert not where.covers(Position("b", 1, 16))


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"a": 3},
        {"a": {"segment": 1}},
        {"a": {"segment": 1, "offset": -1}},
        {"a": {"segment": True, "offset": 1}},
    ],
)
def test_foreign_json_is_corrupt(document: object) -> None:
    with pytest.raises(CorruptState, match="positions"):
        Positions.from_json(document)
