"""Picks the events that speak for an interest."""

from __future__ import annotations

import polars as pl

from engine.profiles import Products
from generators.needs.interest import Evidence

# What few members of a segment did would tell of them, not of the segment.
LEAST_SHOPPERS = 3


def evidence_of(
    touched: pl.DataFrame, products: Products, most: int, *, full: bool, members: int = 1
) -> tuple[Evidence, ...]:
    """The heaviest events; those of one kind with products of one title are told as one.

    Args:
        touched: Of a topic and a shopper or segment, with the column `present_weight`.
        products: For titles.
        most: At most so many.
        full: Tell what was searched for.
        members: Of the segment; of several, only what three did is told.
    """
    least = LEAST_SHOPPERS if members > 1 else 1
    query = pl.col("query") if full and members == 1 else pl.lit(None, pl.String)
    titles = {item: _title(products, item) for item in touched["item"].unique() if item}
    title = pl.col("item").replace_strict(titles, default="", return_dtype=pl.String)
    found = (
        touched.with_columns(query.alias("query"), title.alias("title"))
        .sort("present_weight", "item", "user", descending=[True, False, False])
        .group_by("type", "title", "query", maintain_order=True)
        .agg(
            pl.col("item").first(),
            pl.col("item").n_unique().alias("products"),
            pl.col("present_weight").sum(),
            pl.col("times").sum(),
            pl.col("day").max(),
            pl.col("user").n_unique().alias("shoppers"),
        )
        .filter(pl.col("shoppers") >= least)
        .sort("present_weight", "type", "title", descending=[True, False, False])
        .head(most)
    )
    return tuple(
        Evidence(
            row["type"],
            row["item"] or "",
            row["title"],
            row["times"],
            row["day"],
            row["products"] if row["item"] else 0,
            row["shoppers"],
            row["query"],
        )
        for row in found.iter_rows(named=True)
    )  # fmt: skip


def _title(products: Products, item: str | None) -> str:
    """Of a product; where the catalogue has no titles, its narrowest level."""
    product = products.get(item) if item else None
    if product is None:
        return ""
    return product.title or next((label for label in reversed(product.levels) if label), "")
