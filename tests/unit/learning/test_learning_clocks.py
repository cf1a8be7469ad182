from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.journal import Entry, Mark, Position
from engine.service.learning_clocks import ChainClocks

START = datetime(2026, 1, 1, tzinfo=UTC)


def note(clocks, chain, second, *, closed=False):
    clocks.note(Position(chain, 1, 1), Entry(START + timedelta(seconds=second), Mark(closed)))


def seconds(clocks):
    watermark = clocks.watermark()
    return None if watermark is None else (watermark - START).total_seconds()


def test_the_slowest_open_chain_holds_the_time_back():
    clocks = ChainClocks()
    assert seconds(clocks) is None
    note(clocks, "a", 1)
    note(clocks, "b", 2)
    note(clocks, "b", 9)
    assert seconds(clocks) == 1


def test_a_closed_chain_holds_nothing_back_until_it_writes_again():
    clocks = ChainClocks()
    note(clocks, "a", 1, closed=True)
    assert seconds(clocks) == 1
    note(clocks, "b", 9)
    assert seconds(clocks) == 9
    note(clocks, "a", 10)
    note(clocks, "b", 12)
    assert seconds(clocks) == 10
