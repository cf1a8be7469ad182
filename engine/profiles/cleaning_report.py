"""What became of every row that was read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class CleaningReport:
    """Counts; `rows` is the sum of all others but `bot_events` and the notes.

    Attributes:
        rows: Rows read.
        unusable: Reason → rows, see `event_fields.REASONS`.
        first: Reason → file and line (row, for Parquet) of the first such row.
        duplicates: Rows that say the same as another, in these files or in what was there.
        resent: Rows that repeat an event within seconds, or under the same event id.
        after_as_of: Rows later than the time that profiles are built for.
        added: Events that were added.
        unchanged_files: Files that had been read before, byte for byte; they are not read again.
        bots: Reason → shoppers whom it names, of all events that are kept; one may have several.
        bot_users: Shoppers taken for bots.
        bot_events: Events of theirs: kept and marked, and no part of any profile.
        unknown_items: Events of items that the product table lacks; they count for factors, not for content.
        notes: What a reader should know.
    """

    rows: int = 0
    unusable: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    duplicates: int = 0
    resent: int = 0
    after_as_of: int = 0
    added: int = 0
    unchanged_files: int = 0
    bots: Counter[str] = field(default_factory=Counter)
    bot_users: int = 0
    bot_events: int = 0
    unknown_items: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def dropped(self) -> int:
        """Rows that are no event."""
        return self.unusable.total() + self.duplicates + self.resent + self.after_as_of

    def lines(self) -> list[tuple[str, int, str]]:
        """What to print: name, count, remark."""
        found = [("rows read", self.rows, "")]
        found += [(name, count, f"first: {self.first.get(name, '?')}") for name, count in self.unusable.most_common()]
        found += [
            ("duplicates", self.duplicates, "say the same as another row"),
            ("sent again", self.resent, "the same within seconds, or the same event id"),
            ("after --as-of", self.after_as_of, ""),
            ("added", self.added, ""),
        ]
        found += [("files read before", self.unchanged_files, "byte for byte; not read again")]
        found += [(f"bots: {name}", count, "shoppers") for name, count in self.bots.most_common()]
        found += [
            ("events of bots", self.bot_events, f"of {self.bot_users:,} shoppers; kept, and in no profile"),
            ("events of unknown items", self.unknown_items, "not in the product table: no content"),
        ]
        return [line for line in found if line[1] or line[0] in ("rows read", "added")]

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "rows": self.rows,
            "unusable": dict(self.unusable),
            "duplicates": self.duplicates,
            "resent": self.resent,
            "after_as_of": self.after_as_of,
            "added": self.added,
            "unchanged_files": self.unchanged_files,
            "bots": dict(self.bots),
            "bot_users": self.bot_users,
            "bot_events": self.bot_events,
            "unknown_items": self.unknown_items,
            "notes": list(self.notes),
        }
