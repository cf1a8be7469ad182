"""Programs planted among people: who is found, and who is wrongly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from engine.profiles.bots import BotThresholds, find_bots

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
Row = tuple[str, str, str, datetime]


def visits(user: str, gaps_s: np.ndarray, items: np.ndarray, kind: str = "view", start_s: float = 0.0) -> list[Row]:
    at = start_s + np.cumsum(gaps_s)
    return [(user, f"i{i}", kind, BEGIN + timedelta(seconds=float(s))) for s, i in zip(at, items, strict=True)]


def table(rows: list[Row]) -> pl.DataFrame:
    schema = {"user": pl.String, "item": pl.String, "type": pl.String, "at": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema=schema, orient="row")


def people_and_programs(rng: np.random.Generator, resolution_s: float) -> tuple[list[Row], set[str]]:
    """300 shoppers of three kinds, and 30 programs of three kinds."""
    rows: list[Row] = []
    for n in range(300):
        size = int(rng.integers(5, 150))
        gaps = rng.lognormal(3.0, 1.0, size)  # a median of 20 s, heavy tails
        gaps[rng.random(size) < 0.1] += 86_400
        if n % 10 == 0:
            gaps[: size // 4] = rng.uniform(2.5, 6.0, size // 4)  # opens many tabs
        rows += visits(f"p{n}", gaps, rng.integers(0, 3000, size))
        if n % 3 == 0:  # a basket: forty products in one moment
            rows += visits(f"p{n}", np.zeros(40), np.arange(40), "purchase", start_s=5e6)
    programs = set()
    for n in range(10):
        rows += visits(f"fast{n}", rng.exponential(1.2, 400), rng.integers(0, 50, 400))
        rows += visits(f"timer{n}", 20 + rng.normal(0, 0.3, 200), rng.integers(0, 3000, 200))
        rows += visits(f"wide{n}", rng.exponential(8.0, 900), rng.permutation(3000)[:900])
        programs |= {f"fast{n}", f"timer{n}", f"wide{n}"}
    rounded = [
        (user, item, kind, datetime.fromtimestamp(np.floor(at.timestamp() / resolution_s) * resolution_s, UTC))
        for user, item, kind, at in rows
    ]
    return rounded, programs


@pytest.mark.parametrize("resolution_s", [0.001, 1.0])
def test_planted_programs_are_found_and_people_are_not(resolution_s: float) -> None:
    rows, programs = people_and_programs(np.random.default_rng(11), resolution_s)
    found = set(find_bots(table(rows))["user"])
    hits = len(found & programs)
    assert hits / len(programs) >= 0.95, "recall"
    assert hits / len(found) >= 0.95, "precision"


def test_times_to_the_minute_make_nobody_a_program() -> None:
    rows, programs = people_and_programs(np.random.default_rng(12), 60.0)
    found = set(find_bots(table(rows))["user"])
    assert found <= programs
    assert {user for user in programs if user.startswith("wide")} <= found


def test_each_sign_by_hand() -> None:
    limits = BotThresholds(per_minute=3, intervals=4, spread=0.1, items_per_hour=5)
    same = np.zeros(5, dtype=int)
    rows = visits("quick", np.array([0, 20, 19, 20.5]), same[:4])  # four moments in 59.5 s
    rows += visits("slower", np.array([0, 20, 20, 20]), same[:4])  # the fourth a minute after the first
    rows += visits("timer", np.array([0, 100, 100, 101, 100]), same)
    rows += visits("human", np.array([0, 100, 150, 101, 190]), same)
    rows += visits("wide", np.arange(6) * 70.0, np.arange(6))
    rows += visits("five", np.arange(5) * 70.0, np.arange(5))
    rows += visits("basket", np.zeros(6), np.arange(6), "purchase")
    found = find_bots(table([(u, i, k, at + timedelta(milliseconds=1)) for u, i, k, at in rows]), limits)
    assert sorted(found.rows()) == [("quick", "rate"), ("timer", "uniform"), ("wide", "range")]
