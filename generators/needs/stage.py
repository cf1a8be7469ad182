"""How far a shopper is with an interest, and when the next purchase is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

import polars as pl

BROWSING, CONSIDERING, BOUGHT, DUE, LAPSED = "browsing", "considering", "bought", "due", "lapsed"
_LEAST_GAPS = 2
_LEAST_SHOPPERS = 10
_LOOKS = 3
_EARLY = 0.15
_LATE = 3.0


@dataclass(frozen=True, slots=True)
class Cycle:
    """The usual time between two purchases of a topic.

    Attributes:
        days: Median; None where it is not known.
        of: `shopper` (two intervals of their own at least), or `shop` (median of ten shoppers at least), or "".
        reason: Key of `data/report.toml` that says why there is none; "" where there is one.
    """

    days: float | None
    of: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a shopper stands with a topic.

    Attributes:
        name: `browsing`; `considering`: in the cart since the last purchase, or looked at on three occasions lately;
            `bought`: and not due yet; `due`: the usual interval is over, but for its last 15 %; `lapsed`: three
            intervals are over.
        cycle: Between purchases.
        due: Day on which the next one is due; None where no cycle is known, or nothing was bought.
        last_bought: Day of the last purchase; None for none.
        purchases: Days with a purchase.
    """

    name: str
    cycle: Cycle
    due: date | None
    last_bought: date | None
    purchases: int


def stage(row: Mapping[str, object], present: datetime, shop_cycles: Mapping[int, float]) -> Stage:
    """Tell the stage from a row of `tallies`.

    Args:
        row: Topic, bought_days, unbought_carts, unbought_looks, recent_carts, recent_looks.
        present: When.
        shop_cycles: See `shop_cycles`.
    """
    days: Sequence[date] = row["bought_days"]  # type: ignore[assignment]
    looking = _number(row, "unbought_carts") and _number(row, "recent_carts")
    looking = looking or min(_number(row, "unbought_looks"), _number(row, "recent_looks")) >= _LOOKS
    if not days:
        return Stage(CONSIDERING if looking else BROWSING, Cycle(None, "", "nothing_bought"), None, None, 0)
    cycle = _cycle(days, shop_cycles.get(_number(row, "topic")))
    due = None if cycle.days is None else days[-1] + timedelta(days=round(cycle.days))
    name = CONSIDERING if looking else BOUGHT
    if not looking and cycle.days is not None:
        passed = (present.date() - days[-1]).days / cycle.days
        name = LAPSED if passed > _LATE else DUE if passed >= 1.0 - _EARLY else BOUGHT
    return Stage(name, cycle, due, days[-1], len(days))


def _cycle(days: Sequence[date], shop: float | None) -> Cycle:
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    if len(gaps) >= _LEAST_GAPS:
        return Cycle(float(max(1.0, median(gaps))), "shopper")
    if shop is not None:
        return Cycle(shop, "shop")
    return Cycle(None, "", "few_intervals")


def _number(row: Mapping[str, object], name: str) -> int:
    value = row[name]
    return value if isinstance(value, int) else 0


def shop_cycles(tallied: pl.DataFrame) -> dict[int, float]:
    """Topic → median, over shoppers, of their median days between purchases; topics with ten such shoppers only.

    Shoppers with one purchase have no interval, so the shop's cycle is that of those who come back.
    """
    gaps = pl.col("bought_days").list.eval(pl.element().diff().dt.total_days().drop_nulls())
    found = (
        tallied.filter(pl.col("bought_days").list.len() > _LEAST_GAPS)
        .with_columns(gaps.list.median().alias("gap"))
        .group_by("topic")
        .agg(pl.col("gap").median(), pl.len().alias("shoppers"))
        .filter(pl.col("shoppers") >= _LEAST_SHOPPERS)
        .sort("topic")
    )
    return {topic: max(1.0, float(gap)) for topic, gap, _ in found.iter_rows()}
