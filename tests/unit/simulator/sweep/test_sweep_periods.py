"""Which rows teach, choose and confirm, by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from simulator.horizons import Horizons
from simulator.log_facts import LogFacts
from simulator.sweep.periods import Chosen, Period, Periods
from simulator.sweep.space import Parted

HOUR = 3_600_000_000


def records(hours, **change):
    return [
        {"decision_id": f"d{hour}", "user": f"u{hour % 7}", "decided_at": f"2026-01-01T{hour:02d}:00:00Z", "arm": "a"}
        | change
        for hour in hours
    ]


def parted(log, how=None, horizon_us=0, fractions=(1.0,), seed=0):
    facts = LogFacts.of(log, cluster=None, reward_max=None)
    return Periods.of(log, facts, how or Parted(), horizon_us, fractions, seed)


def ids(log, periods, period, rung=0):
    chosen = Chosen(log, periods, period, rung, Horizons(), ())
    return [int(name[1:]) for chunk in chosen.chunks() for name in chunk.decision_ids]


def test_shares_cut_by_decisions_and_an_embargo_keeps_periods_apart(sweep_log):
    log = sweep_log(records(range(20)))
    periods = parted(log, horizon_us=2 * HOUR)
    # Select begins at 10:00 and confirm at 15:00; what was decided within two hours of either is in no period, and
    # outcomes of the last two hours are not all in.
    assert ids(log, periods, Period.TRAIN) == list(range(9))
    assert ids(log, periods, Period.SELECT) == [10, 11, 12, 13]
    assert ids(log, periods, Period.CONFIRM) == [15, 16, 17]
    assert periods.told()["select_from"] == "2026-01-01T10:00:00Z"
    assert periods.until() == int(datetime(2026, 1, 1, 10, tzinfo=UTC).timestamp() * 1e6)


def test_rows_say_themselves_until_when_they_were_observed(sweep_log):
    late = records([17], observed_until="2026-01-01T17:30:00Z")
    log = sweep_log([*records(range(17)), *late, *records([18, 19])])
    assert ids(log, parted(log, horizon_us=HOUR), Period.CONFIRM) == [15, 16, 18]


def test_counts_weigh(sweep_log):
    log = sweep_log([*records([0], count=10), *records(range(1, 11))])
    assert ids(log, parted(log), Period.TRAIN) == [0]


def test_moments_take_the_place_of_shares(sweep_log):
    log = sweep_log(records(range(20)))
    how = Parted(select_from=datetime(2026, 1, 1, 4, tzinfo=UTC), confirm_from=datetime(2026, 1, 1, 18, tzinfo=UTC))
    periods = parted(log, how, HOUR)
    assert ids(log, periods, Period.TRAIN) == [0, 1, 2, 3]
    assert ids(log, periods, Period.CONFIRM) == [18]


def test_rungs_take_the_ends_of_train_and_select_that_meet(sweep_log):
    log = sweep_log(records(range(20)))
    periods = parted(log, horizon_us=HOUR, fractions=(0.5, 1.0))
    assert ids(log, periods, Period.TRAIN, 0) == [5, 6, 7, 8, 9]
    assert ids(log, periods, Period.TRAIN, 1) == list(range(10))
    assert ids(log, periods, Period.SELECT, 0) == [10, 11, 12]
    assert ids(log, periods, Period.SELECT, 1) == [10, 11, 12, 13, 14]
    assert ids(log, periods, Period.CONFIRM, 0) == ids(log, periods, Period.CONFIRM, 1)


def test_logs_without_times_go_by_the_order_of_their_rows(sweep_log):
    log = sweep_log(
        [{"decision_id": f"d{n}", "arm": "a"} for n in range(10)],
        [{"decision_id": f"d{n}", "arm": "a"} for n in range(10, 20)],
    ).in_order()
    periods = parted(log, horizon_us=HOUR)
    assert ids(log, periods, Period.TRAIN) == list(range(10))
    assert ids(log, periods, Period.SELECT) == [10, 11, 12, 13, 14]
    assert ids(log, periods, Period.CONFIRM) == [15, 16, 17, 18, 19]
    assert periods.told() == {"by": "order", "select_from": 10, "confirm_from": 15, "embargo_s": 0.0}


def test_by_users_each_is_in_one_period_with_all_rows(sweep_log):
    log = sweep_log([{"decision_id": f"d{n}", "user": f"u{n % 600}", "arm": "a"} for n in range(1200)])
    periods = parted(log, Parted(by="users"), fractions=(0.5, 1.0))
    found = {period: ids(log, periods, period, 1) for period in Period}
    assert sorted(row for rows in found.values() for row in rows) == list(range(1200))
    users = {period: {row % 600 for row in rows} for period, rows in found.items()}
    assert sum(map(len, users.values())) == 600
    assert abs(len(users[Period.TRAIN]) - 300) < 4 * np.sqrt(600 / 4)
    assert set(ids(log, periods, Period.SELECT, 0)) < set(found[Period.SELECT])
    assert set(ids(log, periods, Period.TRAIN, 0)) < set(found[Period.TRAIN])
    assert found != {period: ids(log, parted(log, Parted(by="users"), seed=1), period) for period in Period}


def test_a_period_without_rows_is_refused(sweep_log):
    log = sweep_log(records(range(20)))
    with pytest.raises(InvalidInput, match="select period"):
        parted(log, horizon_us=8 * HOUR)


def test_files_are_read_as_one_log_in_the_order_of_their_time(sweep_log):
    other = records(range(5), arm="c", eligible=["c", "a"], context={"region": "north"})
    log = sweep_log(records(range(5, 20)), other)
    assert ids(log, parted(log), Period.TRAIN) == list(range(10))
    chunks = list(log.chunks())
    assert [chunk.first for chunk in chunks] == [0, 5]
    assert chunks[0].arms == chunks[1].arms
    assert [chunk.arms[code] for chunk in chunks for code in chunk.arm] == ["c"] * 5 + ["a"] * 15
    assert chunks[1].context["region"].tolist() == [None] * 15
    assert log.part(1).digest() == log.digest()


def test_a_decision_in_two_files_is_refused(sweep_log):
    with pytest.raises(InvalidInput, match="decisions in one file only"):
        sweep_log(records(range(5)), records(range(4, 8)))
