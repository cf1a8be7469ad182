from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.core.join_trail import Trail

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    chain: str
    segment: int
    offset: int


def t(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_it_gives_the_last_sample_before_a_moment():
    trail = Trail(timedelta(seconds=10), {})
    for second in range(100):
        trail.note(Place("w0", 1, second), t(second))
    assert len(trail) == 10
    assert trail.before(t(45))["w0"].offset == 40
    assert len(trail) == 6  # samples before it are forgotten


def test_a_chain_without_an_early_enough_sample_is_left_out():
    trail = Trail(timedelta(seconds=10), {})
    trail.note(Place("w0", 1, 1), t(5))
    assert trail.before(t(5)) == {}


def test_it_starts_from_given_places():
    trail = Trail(timedelta(seconds=10), {"w0": Place("w0", 3, 7)})
    assert trail.before(t(0)) == {"w0": Place("w0", 3, 7)}
    trail.note(Place("w0", 3, 9), t(0))
    assert trail.before(t(0)) == {"w0": Place("w0", 3, 7)}
    assert trail.before(t(1)) == {"w0": Place("w0", 3, 9)}


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.integers(0, 400))
def test_everything_up_to_the_place_was_recorded_before_the_moment(steps, moment):
    trail = Trail(timedelta(seconds=7), {})
    clock, times = 0, []
    for offset, step in enumerate(steps):
        clock += step
        times.append(clock)
        trail.note(Place("w0", 1, offset), t(clock))
    found = trail.before(t(moment)).get("w0")
    if found is None:
        assert times[0] >= moment
    else:
        assert times[found.offset] < moment
        # No more than the spacing is read needlessly, but for a longer gap between two records.
        later = [time for time in times[found.offset + 1 :] if time < moment]
        assert all(time < times[found.offset] + 7 for time in later)
