"""How much each shopper has to do with each item, by recency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from engine.profiles.event_type import EventType
from engine.profiles.settings import ProfileSettings

_DAY_US = 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Interests:
    """Sums of weights of events, each the weight of its type, halved with every half-life of its age.

    Attributes:
        items: Shoppers × items; searches are not in it.
        queries: Shoppers × distinct query texts.
        texts: Of the columns of `queries`.
        shoppers: Number of shoppers who did something with an item, ever; shape (items,).
    """

    items: csr_matrix
    queries: csr_matrix
    texts: tuple[str, ...]
    shoppers: np.ndarray


def interests(
    events: pl.DataFrame, users: Sequence[str], items: Sequence[str], as_of: datetime, settings: ProfileSettings
) -> Interests:
    """Add up events.

    Args:
        events: None later than `as_of`; columns of `event_fields.SCHEMA`.
        users: Rows, in order; all users of the events.
        items: Columns, in order; all items of the events.
        as_of: When an event counts its full weight.
        settings: Half-life and weights.
    """
    acted = events.filter(pl.col("type") != "search")
    matrix = _summed(acted, "user", "item", users, items, as_of, settings)
    searched = events.filter(pl.col("type") == "search")
    texts = searched["query"].unique().sort().to_list()
    queries = _summed(searched, "user", "query", users, texts, as_of, settings)
    return Interests(matrix, queries, tuple(texts), np.bincount(matrix.indices, minlength=len(items)))


def _summed(
    events: pl.DataFrame,
    row: str,
    column: str,
    rows: Sequence[str],
    columns: Sequence[str],
    as_of: datetime,
    settings: ProfileSettings,
) -> csr_matrix:
    ages = (pl.lit(as_of) - pl.col("at")).dt.total_microseconds() / _DAY_US
    weight = pl.col("type").replace_strict(_by_name(settings.weights), return_dtype=pl.Float64)
    sums = (
        events.lazy()
        .with_columns((weight * 2.0 ** (-ages / settings.half_life_days)).alias("weight"))
        .filter(pl.col("weight") > 0)
        .group_by(row, column)
        .agg(pl.col("weight").sum())
        .join(_numbered(rows, row), on=row)
        .join(_numbered(columns, column), on=column)
        .sort(f"{row}_n", f"{column}_n")
        .select(f"{row}_n", f"{column}_n", "weight")
        .collect()
    )
    numbers = (sums["weight"].to_numpy(), (sums[f"{row}_n"].to_numpy(), sums[f"{column}_n"].to_numpy()))
    return csr_matrix(numbers, shape=(len(rows), len(columns)))


def _numbered(names: Sequence[str], name: str) -> pl.LazyFrame:
    return pl.LazyFrame(
        {name: names, f"{name}_n": np.arange(len(names))}, schema={name: pl.String, f"{name}_n": pl.Int64}
    )


def _by_name(weights: Mapping[EventType, float]) -> dict[str, float]:
    return {kind.value: float(weights.get(kind, 0.0)) for kind in EventType}
