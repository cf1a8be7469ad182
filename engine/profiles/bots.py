"""Tells programs from shoppers by how they behave.

Three signs, each of them beyond what people do with a mouse or a thumb:

- *rate*: more than `per_minute` moments with an event within some minute. Rows of one moment, as those of a basket,
  are one.
- *uniform*: within visits (gaps under half an hour), at least `intervals` gaps between moments whose middle half spans
  less than `spread` of their median: a timer. Asked only where the median is at least ten times the resolution of the
  shop's clock, since times to the minute make everybody regular.
- *range*: more than `items_per_hour` distinct items viewed, searched or put into the cart within a clock hour.

Whoever imitates people in all three passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

_MINUTE = 60 * 1_000_000
_HOUR = 60 * _MINUTE
_VISIT = 30 * _MINUTE
_TICKS = (_HOUR * 24, _HOUR, _MINUTE, 1_000_000)


@dataclass(frozen=True, slots=True)
class BotThresholds:
    """See the module.

    Attributes:
        per_minute: Moments within a minute.
        intervals: Gaps that are needed to call somebody regular.
        spread: Of the gaps: interquartile range / median.
        items_per_hour: Distinct items.
    """

    per_minute: int = 30
    intervals: int = 30
    spread: float = 0.1
    items_per_hour: int = 200


def find_bots(events: pl.DataFrame, thresholds: BotThresholds | None = None) -> pl.DataFrame:
    """Whom to take for a program, and why.

    Args:
        events: Columns `user`, `item`, `type`, `at`.
        thresholds: As stated; ours by default.

    Returns:
        Columns `user` and `reason`; a user may stand there with several reasons.
    """
    limits = thresholds or BotThresholds()
    moments = events.select("user", pl.col("at").dt.epoch("us").alias("at")).unique().sort("user", "at")
    found = [
        (user, reason)
        for reason, users in (
            ("rate", _fast(moments, limits)),
            ("uniform", _regular(moments, limits)),
            ("range", _wide(events, limits)),
        )
        for user in sorted(users)
    ]
    return pl.DataFrame(found, schema={"user": pl.String, "reason": pl.String}, orient="row")


def _fast(moments: pl.DataFrame, limits: BotThresholds) -> list[str]:
    """Users with too many moments in a minute that slides: the one `per_minute` places before is too near."""
    before = pl.col("at").shift(limits.per_minute).over("user")
    near = moments.filter((pl.col("at") - before < _MINUTE).fill_null(False))
    return near["user"].unique().to_list()


def _regular(moments: pl.DataFrame, limits: BotThresholds) -> list[str]:
    tick = _resolution(moments["at"].to_numpy())
    gaps = moments.with_columns((pl.col("at") - pl.col("at").shift(1).over("user")).alias("gap"))
    sums = (
        gaps.filter(pl.col("gap") < _VISIT)
        .group_by("user")
        .agg(
            pl.len().alias("n"),
            pl.col("gap").median().alias("middle"),
            (pl.col("gap").quantile(0.75) - pl.col("gap").quantile(0.25)).alias("span"),
        )
    )
    regular = (pl.col("n") >= limits.intervals) & (pl.col("span") < limits.spread * pl.col("middle"))
    return sums.filter(regular & (pl.col("middle") >= 10 * tick))["user"].to_list()


def _wide(events: pl.DataFrame, limits: BotThresholds) -> list[str]:
    looked = events.filter((pl.col("type") != "purchase") & pl.col("item").is_not_null())
    hours = looked.group_by("user", pl.col("at").dt.truncate("1h")).agg(pl.col("item").n_unique().alias("items"))
    return hours.filter(pl.col("items") > limits.items_per_hour)["user"].unique().to_list()


def _resolution(at_us: NDArray[np.int64]) -> int:
    """The coarsest of day, hour, minute and second that all times are multiples of; else a millisecond."""
    return next((tick for tick in _TICKS if not np.any(at_us % tick)), 1_000)
