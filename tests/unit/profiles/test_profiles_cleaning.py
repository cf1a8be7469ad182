"""Each event once, in whatever order and however often rows come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from engine.profiles.cleaning import merged
from engine.profiles.cleaning_report import CleaningReport
from engine.profiles.event_fields import SCHEMA

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def rows(*given: tuple[str, str, float, str | None]) -> pl.DataFrame:
    """Views: user, item, seconds, event id."""
    full = [(u, i, "view", BEGIN + timedelta(seconds=s), 1.0, None, None, e) for u, i, s, e in given]
    return pl.DataFrame(full, schema={**SCHEMA, "event_id": pl.String}, orient="row")


def cleaned(*parts: pl.DataFrame) -> tuple[pl.DataFrame, CleaningReport]:
    report, kept = CleaningReport(), parts[0].clear()
    for part in parts:
        kept = merged(kept, part, report)
    return kept, report


def test_duplicates_and_rows_sent_again_are_counted() -> None:
    events, report = cleaned(
        rows(
            ("a", "x", 0, None),
            ("a", "x", 0, None),  # the same
            ("a", "x", 4.9, None),  # a double click
            ("a", "y", 1, None),
            ("b", "x", 1, None),  # somebody else
            ("a", "x", 60, None),  # again, later
        )
    )
    assert events.select("user", "item").rows() == [("a", "x"), ("a", "y"), ("a", "x"), ("b", "x")]
    assert (report.duplicates, report.resent, report.added) == (1, 1, 4)


def test_five_seconds_later_it_is_another_event() -> None:
    events, report = cleaned(rows(("a", "x", 0, None), ("a", "x", 5, None)))
    assert (events.height, report.resent) == (2, 0)


def test_where_the_shop_names_events_the_name_decides() -> None:
    events, report = cleaned(rows(("a", "x", 0, "e1"), ("a", "x", 1, "e2"), ("a", "x", 900, "e1"), ("a", "x", 0, "e1")))
    assert events["event_id"].to_list() == ["e1", "e2"]
    assert (report.duplicates, report.resent) == (1, 1)


def test_in_parts_and_twice_it_is_the_same() -> None:
    first = rows(("a", "x", 0, None), ("b", "y", 7, None), ("a", "x", 100, None))
    second = rows(("a", "z", 50, None), ("a", "x", 3, None))
    at_once, _ = cleaned(pl.concat([first, second]))
    for parts in ((first, second), (second, first), (first, second, first, second)):
        # The retry comes first in one of them; which of both rows stays may then differ, but not how many.
        assert cleaned(*parts)[0].height == at_once.height
    assert cleaned(first, second)[0].equals(at_once)
    assert cleaned(first, second, second, first)[0].equals(at_once)
    assert cleaned(first, first)[1].duplicates == first.height
