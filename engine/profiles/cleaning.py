"""Takes away what says the same thing twice."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from engine.profiles.cleaning_report import CleaningReport

RESENT = timedelta(seconds=5)
_ORDER = ("user", "at", "type", "item", "query", "quantity", "value")


def merged(kept: pl.DataFrame, fresh: pl.DataFrame, report: CleaningReport) -> pl.DataFrame:
    """Add rows to a table of events, each event once; the same in any order and however often.

    A row is a duplicate if all its fields are those of another, its event id included. Where the shop names events, a
    row was sent again if the id stood there before; where it does not, if it is the same as another but for its time,
    and less than `RESENT` after it: double clicks and retries. (Of a chain of retries that is torn over two builds,
    one more may stay.)

    Args:
        kept: Events that are there; columns of `SCHEMA` and `event_id`.
        fresh: Rows of new files, alike.
        report: Counts.

    Returns:
        All events, sorted by user and time.
    """
    all_rows = pl.concat([kept, fresh]).rechunk()
    once = all_rows.unique(keep="first", maintain_order=True).sort(*_ORDER, "event_id")
    report.duplicates += all_rows.height - once.height
    has_id = pl.col("event_id").is_not_null()
    named = once.filter(has_id).unique(subset=["event_id"], keep="first", maintain_order=True)
    same = ["user", "type", "item", "query", "quantity", "value"]
    gap = (pl.col("at") - pl.col("at").shift(1)).over(same)
    plain = once.filter(~has_id).filter((gap >= RESENT).fill_null(True))
    events = pl.concat([named, plain]).sort(*_ORDER, "event_id")
    report.resent += once.height - events.height
    report.added += events.height - kept.height
    return events
