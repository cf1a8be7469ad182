"""What shoppers had to do with, by topic."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from generators.needs.settings import NeedsSettings
from generators.needs.topics import Topics

DAY_S = 86_400


def touches(events: pl.DataFrame, topics: Topics, settings: NeedsSettings) -> pl.DataFrame:
    """Put events into topics; what a shopper does with one thing over and over on one day is one touch.

    Baskets and clicks come in bursts; counted one by one they would make every burst look like a conviction.

    Args:
        events: Columns of the profile folder's events.
        topics: Of products and texts.
        settings: Time zone of days, and weights of types.

    Returns:
        Columns user, topic (−1 for none), item, query, type, at (the last), day, times, quantity, value (sums), weight
        (of the type); sorted by user and time.
    """
    items = pl.DataFrame(
        {"item": list(topics.items), "_item_topic": list(topics.items.values())},
        schema={"item": pl.String, "_item_topic": pl.Int64},
    )
    texts = events["query"].drop_nulls().unique().sort()
    queries = pl.DataFrame(
        {"query": texts, "_query_topic": topics.of_texts(texts.to_list())},
        schema={"query": pl.String, "_query_topic": pl.Int64},
    )
    return (
        events.lazy()
        .with_columns(pl.col("at").dt.convert_time_zone(settings.time_zone).dt.date().alias("day"))
        .group_by("user", "item", "query", "type", "day")
        .agg(
            pl.col("at").max(),
            pl.len().cast(pl.Int64).alias("times"),
            pl.col("quantity").sum(),
            pl.when(pl.col("value").count() == pl.len()).then(pl.col("value").sum()).alias("value"),
        )
        .join(items.lazy(), on="item", how="left")
        .join(queries.lazy(), on="query", how="left")
        .with_columns(
            pl.coalesce("_item_topic", "_query_topic", pl.lit(-1)).alias("topic"),
            pl.col("type").replace_strict(dict(settings.weights), return_dtype=pl.Float64).alias("weight"),
        )
        .drop("_item_topic", "_query_topic")
        .sort("user", "at", "type", "item", "query")
        .collect()
    )


def tallies(touched: pl.DataFrame, at: datetime, settings: NeedsSettings) -> pl.DataFrame:
    """What each shopper did in each topic before a time.

    Args:
        touched: See `touches`.
        at: The present: later touches are left out.
        settings: Half-life, and what is recent.

    Returns:
        Columns user, topic, weight (recency-weighted sum), weight_2 (sum of squares), and counts of touches: events,
        recent, purchases, carts, looks (views and searches), recent_carts, recent_looks, unbought_carts (after the
        last purchase); buying days as `bought_days`; last_at, last_bought; rows of touches in a topic only.
    """
    age = (pl.lit(at) - pl.col("at")).dt.total_seconds() / DAY_S
    weight = pl.col("weight") * 2.0 ** (-age / settings.half_life_days)
    recent = age < settings.recent_days
    bought, cart = pl.col("type") == "purchase", pl.col("type") == "cart"
    looked = pl.col("type").is_in(["view", "search"])
    last_bought = pl.col("at").filter(bought).max()
    since = (pl.col("at") > last_bought) | last_bought.is_null()
    return (
        touched.lazy()
        .filter((pl.col("at") < at) & (pl.col("topic") >= 0) & (pl.col("weight") > 0))
        .group_by("user", "topic", maintain_order=True)
        .agg(
            weight.sum().alias("weight"),
            (weight**2).sum().alias("weight_2"),
            pl.len().cast(pl.Int64).alias("events"),
            recent.sum().cast(pl.Int64).alias("recent"),
            bought.sum().cast(pl.Int64).alias("purchases"),
            cart.sum().cast(pl.Int64).alias("carts"),
            looked.sum().cast(pl.Int64).alias("looks"),
            (cart & recent).sum().cast(pl.Int64).alias("recent_carts"),
            (looked & recent).sum().cast(pl.Int64).alias("recent_looks"),
            (cart & since).sum().cast(pl.Int64).alias("unbought_carts"),
            (looked & since).sum().cast(pl.Int64).alias("unbought_looks"),
            pl.col("day").filter(bought).unique().sort().alias("bought_days"),
            pl.col("at").max().alias("last_at"),
            last_bought.alias("last_bought"),
        )
        .sort("user", "topic")
        .collect()
    )  # fmt: skip
