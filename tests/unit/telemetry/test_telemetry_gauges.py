"""Gauges against files made by hand."""

from datetime import UTC, datetime
from pathlib import Path

from engine.journal import Position, Positions
from engine.service.learner_report import FILE, LearnerReport
from engine.store.leases import SqliteLeases
from engine.store.tables import RequestTable
from engine.telemetry.gauges import learner_gauges, lease_gauges, table_gauges


class FixedClock:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


def report(**chains: tuple[int, int]) -> LearnerReport:
    positions = Positions(Position(chain, *place) for chain, place in chains.items())
    return LearnerReport(1_000.0, 7, 3, positions, {"late_outcomes": 2}, 1)


def segment(data: Path, chain: str, number: int, size: int) -> None:
    folder = data / "journal" / chain
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number:08d}.segment").write_bytes(bytes(size))


def test_the_learner_is_behind_by_what_it_has_not_read(tmp_path: Path) -> None:
    segment(tmp_path, "w0", 1, 100)
    segment(tmp_path, "w0", 2, 50)
    segment(tmp_path, "w0", 3, 10)
    segment(tmp_path, "w1", 1, 1_000)
    folder = tmp_path / "learner" / "promo"
    folder.mkdir(parents=True)
    report(w0=(2, 30)).save(folder)
    found = {(name, labels): value for name, labels, value in learner_gauges({"promo": None}, tmp_path)(1_004.0)}
    assert found == {
        ("armsreach_journal_bytes", ()): 1_160,
        ("armsreach_journal_behind_bytes", ("promo",)): 20 + 10 + 1_000,
        ("armsreach_learner_age_seconds", ("promo",)): 4.0,
        ("armsreach_learned_decisions", ("promo",)): 7,
        ("armsreach_join_backlog", ("promo",)): 3,
        ("armsreach_dead_letters", ("promo",)): 1,
        ("armsreach_join_records", ("promo", "late_outcomes")): 2,
    }


def test_without_a_journal_or_a_learner_there_is_little_to_say(tmp_path: Path) -> None:
    assert list(learner_gauges({"promo": None}, tmp_path)(0.0)) == [("armsreach_journal_bytes", (), 0)]


def test_reports_round_trip_and_illegible_ones_are_none(tmp_path: Path) -> None:
    assert LearnerReport.load(tmp_path) is None
    report(w0=(2, 30)).save(tmp_path)
    assert LearnerReport.load(tmp_path) == report(w0=(2, 30))
    for text in ("{", "[]", '{"positions": {}}', '{"positions": 3}'):
        (tmp_path / FILE).write_text(text)
        assert LearnerReport.load(tmp_path) is None


def test_leases_that_are_held_and_that_ran_out(tmp_path: Path) -> None:
    clock = FixedClock(1_000.0)
    leases = SqliteLeases(tmp_path / "leases.db", clock)
    leases.acquire("learner/promo", "host:1", 30.0)
    leases.release(leases.acquire("learner/gone", "host:1", 30.0))
    read = lease_gauges(leases)
    assert list(read(1_010.0)) == [("armsreach_lease_seconds", ("learner/promo", "host:1"), 20.0)]
    assert list(read(1_040.0)) == [("armsreach_lease_seconds", ("learner/promo", "host:1"), -10.0)]
    leases.close()


def test_the_table_is_as_full_as_its_first_slots() -> None:
    table = RequestTable(1_000, ttl_s=60.0)
    ids = [i.to_bytes(4, "little") * 4 for i in range(512)]
    for id in ids:
        table.claim(id, 1_000.0, 0)
    ((_, _, ratio),) = table_gauges(table)(1_030.0)
    slots = len(table.memory.buffer) // 40
    assert abs(ratio - 512 / slots) < 0.05
    assert list(table_gauges(table)(1_061.0)) == [("armsreach_request_table_used_ratio", (), 0.0)]
