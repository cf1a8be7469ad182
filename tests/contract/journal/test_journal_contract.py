"""What every journal promises, run on each implementation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.core.errors import InvalidInput
from engine.core.outcome import Outcome, OutcomeType
from engine.journal import FileJournal, GroupCommit, Journal, JournalFailed, Mark, MemoryJournal, Positions, Record

START = datetime(2026, 3, 1, tzinfo=UTC)
IMPLEMENTATIONS: dict[str, Callable[[Path], Journal]] = {
    "files": lambda folder: FileJournal(folder, "w0"),
    "files_write": lambda folder: FileJournal(folder, "w0", "write"),
    "memory": lambda folder: MemoryJournal("w0"),
}


@pytest.fixture(params=sorted(IMPLEMENTATIONS))
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    made = IMPLEMENTATIONS[request.param](tmp_path / "journal")
    yield made
    made.close()


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def click(number: int) -> Outcome:
    return Outcome(f"o{number}", "c", OutcomeType.CLICK, START, decision_id=f"d{number}")


def records(journal: Journal, start: Positions | None = None) -> list[Record]:
    return [entry.record for _, entry in journal.read(start)]


def test_an_empty_journal_reads_nothing(journal: Journal) -> None:
    assert records(journal) == []
    assert journal.watermark() is None
    assert journal.recorded_at is None


def test_records_come_back_in_order(journal: Journal) -> None:
    wanted: list[Record] = [click(0), Mark(), click(1)]
    for second, record in enumerate(wanted):
        journal.append(record, after(second))
    journal.commit()
    assert records(journal) == wanted
    assert [entry.recorded_at for _, entry in journal.read()] == [after(0), after(1), after(2)]


def test_what_is_not_committed_is_not_read(journal: Journal) -> None:
    before = journal.position
    position = journal.append(click(0), after(0))
    assert records(journal) == []
    assert journal.position == before
    journal.commit()
    assert records(journal) == [click(0)]
    assert journal.position == position


def test_reading_goes_on_from_where_it_stopped(journal: Journal) -> None:
    reached = Positions()
    seen: list[Record] = []
    for number in range(6):
        journal.append(click(number), after(number))
        if number % 2:
            journal.commit()
            for position, entry in journal.read(reached):
                reached = reached.after(position)
                seen.append(entry.record)
    assert seen == [click(number) for number in range(6)]
    assert records(journal, reached) == []


def test_many_are_recorded_side_by_side_at_one_time(journal: Journal) -> None:
    positions = journal.append_many([click(0), click(1)], after(1))
    assert journal.append_many([], after(2)) == []
    journal.commit()
    assert [position for position, _ in journal.read()] == positions
    assert [entry.recorded_at for _, entry in journal.read()] == [after(1), after(1)]
    assert journal.recorded_at == after(1)


def test_positions_of_append_are_those_of_read(journal: Journal) -> None:
    wanted = [journal.append(click(number), after(number)) for number in range(5)]
    journal.commit()
    assert [position for position, _ in journal.read()] == wanted
    assert wanted == sorted(wanted)


def test_the_clock_of_a_chain_never_falls_back(journal: Journal) -> None:
    journal.append(click(0), after(5))
    journal.append(click(1), after(3))
    journal.append(click(2), after(6))
    journal.commit()
    assert [entry.recorded_at for _, entry in journal.read()] == [after(5), after(5), after(6)]
    assert journal.recorded_at == after(6)


def test_the_watermark_follows_what_was_read(journal: Journal) -> None:
    for number in range(3):
        journal.append(click(number), after(number))
    journal.commit()
    assert journal.watermark() is None
    reading = journal.read()
    first, _ = next(reading)
    assert journal.watermark() == after(0)
    list(reading)
    assert journal.watermark() == after(2)
    assert journal.watermark(Positions([first])) == after(0)


def test_times_are_in_utc_to_the_microsecond(journal: Journal) -> None:
    at = datetime(2026, 3, 1, 1, 2, 3, 456789, tzinfo=UTC)
    journal.append(Mark(), at)
    journal.commit()
    assert [entry.recorded_at for _, entry in journal.read()] == [at]


def test_a_naive_time_is_refused_and_nothing_is_written(journal: Journal) -> None:
    for first in (True, False):
        with pytest.raises(InvalidInput):
            journal.append(Mark(), datetime(2026, 3, 1))
        if first:
            journal.append(click(1), after(1))
    journal.commit()
    assert records(journal) == [click(1)]


def test_closing_is_recorded_and_final(journal: Journal) -> None:
    journal.append(click(0), after(0))
    journal.close(after(9))
    assert records(journal) == [click(0), Mark(closed=True)]
    assert journal.watermark() == after(9)
    journal.close()
    with pytest.raises(JournalFailed):
        journal.append(click(1), after(10))


async def test_group_commit_runs_on_every_journal(journal: Journal) -> None:
    group = GroupCommit(journal)
    await group.append(click(0), after(0))
    positions = await group.append_many([click(1), click(2)], after(1))
    assert records(journal) == [click(0), click(1), click(2)]
    assert journal.position == positions[-1]
    await group.close()
    with pytest.raises(JournalFailed):
        await group.append(click(3), after(3))
