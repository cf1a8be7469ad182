"""Workers' counters: added up, taken over by a successor, and never read half written."""

import pytest

from engine.config import TelemetrySettings
from engine.telemetry import Board, Telemetry
from engine.telemetry.board import Note
from engine.telemetry.series import Series


class Now:
    def __init__(self) -> None:
        self.s = 1_000.0

    def __call__(self) -> float:
        return self.s


def telemetry(board: Board, worker: int, now: Now) -> Telemetry:
    return Telemetry(TelemetrySettings(stuck_commit_s=5.0, stale_snapshot_s=60.0), board, worker=worker, now_s=now)


def total(series: Series, name: str, *labels: str) -> float:
    value = series.of[name][labels]
    return sum(value[:-1]) if isinstance(value, list) else value


def test_any_worker_shows_the_sum_and_each() -> None:
    board, now = Board(2), Now()
    first, second = telemetry(board, 0, now), telemetry(board, 1, now)
    first.calls.done("Decide", 0.001, 0)
    second.calls.done("Decide", 0.001, 0)
    second.calls.done("Decide", 0.001, 0)
    second.look()
    now.s += 3.0
    for shown in (first.all(), second.all()):
        assert total(shown, "armsreach_request_seconds", "Decide", "OK") == 3
        assert total(shown, "armsreach_worker_requests", "0") == 1
        assert total(shown, "armsreach_worker_requests", "1") == 2


def test_a_successor_goes_on_from_what_its_worker_left() -> None:
    board, now = Board(1), Now()
    killed = telemetry(board, 0, now)
    killed.calls.done("Decide", 0.001, 0)
    killed.alarms.raise_("journal_failed", "", now.s)
    killed.look()
    successor = telemetry(board, 0, now)
    successor.calls.done("Decide", 0.001, 0)
    shown = successor.all()
    assert total(shown, "armsreach_request_seconds", "Decide", "OK") == 2
    assert ("journal_failed", "") not in shown.of["armsreach_alarm"], "what held for the one may not hold for the other"


def test_a_torn_slot_is_no_note() -> None:
    board, series = Board(1), Series()
    series.add("armsreach_records", (), 3)
    assert board.notes() == []
    assert board.write(Note(0, 1.0, 0.0, series))
    assert board.notes()[0].series.of == series.of
    board._memory.buffer[40] ^= 1
    assert board.notes() == []


def test_what_does_not_fit_leaves_what_was_there() -> None:
    board, small, large = Board(1, slot_bytes=100), Series(), Series()
    small.add("armsreach_records", (), 3)
    for i in range(50):
        large.add("armsreach_decisions", (str(i),), i)
    assert board.write(Note(0, 1.0, 0.0, small))
    assert not board.write(Note(0, 2.0, 0.0, large))
    assert board.notes()[0].series.of == small.of


def test_a_number_never_becomes_a_histogram() -> None:
    series = Series()
    series.add("armsreach_records", (), 3)
    with pytest.raises(TypeError):
        series.add("armsreach_records", (), [1.0, 2.0])


def test_old_snapshots_raise_an_alarm_and_fresh_ones_lower_it() -> None:
    now = Now()
    watched = telemetry(Board(1), 0, now)
    age = 61.0
    watched.snapshots = lambda _: [
        ("armsreach_snapshot_age_seconds", ("promo",), age),
        ("armsreach_snapshot_refused", ("promo",), 1.0),
    ]
    assert watched.all().of["armsreach_alarm"] == {("snapshot_stale", "promo"): 1, ("snapshot_refused", "promo"): 1}
    age = 5.0
    assert watched.all().of["armsreach_alarm"] == {("snapshot_refused", "promo"): 1}


def test_a_gauge_that_fails_takes_nothing_from_the_others(caplog: pytest.LogCaptureFixture) -> None:
    watched = telemetry(Board(1), 0, Now())

    def broken(_: float) -> list[tuple[str, tuple[str, ...], float]]:
        raise OSError("no such folder")

    watched.sources = [broken, lambda _: [("armsreach_journal_bytes", (), 7.0)]]
    assert total(watched.all(), "armsreach_journal_bytes") == 7.0
    assert total(watched.all(), "armsreach_gauges_failed") == 1
    assert caplog.text.count("a gauge cannot be read") == 1


def test_commits_that_hang_or_fail_raise_alarms() -> None:
    from engine.telemetry.commit_counts import CommitCounts

    now, steady = Now(), Now()
    watched = telemetry(Board(1), 0, now)
    watched.commits = CommitCounts(now, steady)
    watched.commits.began()
    steady.s += 5.1
    assert watched.all().of["armsreach_alarm"] == {("journal_stuck", ""): 1}
    watched.commits.ended(5.1, True)
    shown = watched.all()
    assert shown.of["armsreach_alarm"] == {}
    assert total(shown, "armsreach_commit_age_seconds") == 0
    watched.commits.ended(0.1, False)
    assert watched.all().of["armsreach_alarm"] == {("journal_failed", ""): 1}
