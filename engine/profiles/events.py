"""The cleaned events of a shop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from engine.profiles.event_fields import SCHEMA
from engine.profiles.event_type import EventType
from engine.profiles.profile_folder import ProfileFolder

FILE = "events.parquet"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a shopper did.

    Attributes:
        user: As the profile folder knows the shopper: a pseudonym, if it was built with the server's key.
        item: The product's id; None for a search.
        type: What was done.
        at: Aware UTC.
        quantity: How many.
        value: Money of the row; None where the shop does not say.
        query: What was searched for; None for all else.
    """

    user: str
    item: str | None
    type: EventType
    at: datetime
    quantity: float
    value: float | None
    query: str | None


class Events:
    """A table of events: deduplicated, typed, without bots, sorted by user and time.

    >>> from datetime import UTC, datetime
    >>> events = Events.of_rows([("anna", "tea", "view", datetime(2026, 1, 2, tzinfo=UTC), 1.0, None, None)])
    >>> [event.item for event in events.of("anna")], events.users()
    (['tea'], ['anna'])
    """

    def __init__(self, frame: pl.LazyFrame | pl.DataFrame) -> None:
        """Take a frame with columns user, item, type, at, quantity, value, query."""
        self._frame = frame.lazy().select(list(SCHEMA))

    @classmethod
    def open(cls, folder: Path, *, with_bots: bool = False) -> Events:
        """The events of a profile folder; rows are read when they are asked for.

        Raises:
            NotFound: If there is no profile folder.
            UnsupportedVersion: If a newer armsreach wrote it.
        """
        table = pl.scan_parquet(ProfileFolder.open(folder).path(FILE))
        return cls(table if with_bots else table.filter(~pl.col("bot")))

    @classmethod
    def of_rows(
        cls,
        rows: Sequence[tuple[str, str | None, str, datetime, float, float | None, str | None]],
    ) -> Events:
        """Make a table of rows in the order of `Event`'s fields."""
        return cls(pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("user", "at"))

    def where(
        self,
        *,
        users: Sequence[str] | None = None,
        types: Sequence[EventType] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Events:
        """Only some of them; `until` is excluded."""
        found = self._frame
        if users is not None:
            found = found.filter(pl.col("user").is_in(list(users)))
        if types is not None:
            found = found.filter(pl.col("type").is_in([EventType(kind).value for kind in types]))
        if since is not None:
            found = found.filter(pl.col("at") >= since)
        if until is not None:
            found = found.filter(pl.col("at") < until)
        return Events(found)

    def frame(self) -> pl.DataFrame:
        """All rows: user, item, type, quantity, value, query as text and float64, `at` as a time in UTC."""
        return self._frame.collect()

    def users(self) -> list[str]:
        """Who did something, sorted."""
        return self._frame.select(pl.col("user").unique().sort()).collect()["user"].to_list()

    def of(self, user: str) -> list[Event]:
        """What one shopper did, oldest first."""
        return list(self.where(users=[user]))

    def __iter__(self) -> Iterator[Event]:
        """Events by user and time."""
        for user, item, kind, at, quantity, value, query in self.frame().iter_rows():
            yield Event(user, item, EventType(kind), at, quantity, value, query)

    def __len__(self) -> int:
        return int(self._frame.select(pl.len()).collect().item())
