"""Segments beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from generators.needs.needs import Needs
from generators.needs.words import percent, words_of

_MOST = 3


def segment_table(segments: Sequence[Needs], language: str = "en") -> Table:
    """A row for each: how many shoppers, what they care for more than the shop does, prices and hours.

    Args:
        segments: Needs of segments.
        language: `en` or `zh`.
    """
    words = words_of(language)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column(words["segment_name"], style="bold", no_wrap=True)
    table.add_column(words["shoppers"], justify="right")
    table.add_column(words["cares"], overflow="fold")
    table.add_column(words["price"], overflow="fold")
    table.add_column(words["best_hours"], no_wrap=True)
    for needs in segments:
        ranked = sorted(needs.interests, key=lambda interest: (-interest.lift, interest.topic.name))[:_MOST]
        cares = "; ".join(f"{interest.topic.name} × {interest.lift:.1f}" for interest in ranked)
        index = "" if needs.price.index is None else f"{words[needs.price.level]} ({needs.price.index:.2f})"
        slots = ", ".join(
            f"{slot.start}–{(slot.start + 3) % 24} {percent(slot.share)}" for slot in needs.hours.slots[:2]
        )
        table.add_row(needs.name, f"{needs.members:,}", cares or "–", index or "–", slots or "–")
    return table
