"""How much the price decides what a shopper buys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import norm

from engine.profiles import Products
from generators.needs.user_rows import UserRows

_LEAST_PEERS = 20
_LEAST_PAID = 5
_USUAL = 0.75
_CHEAPER = 0.95
_SURE = 0.8
_LEAST_SHOPPERS = 20


@dataclass(frozen=True, slots=True)
class PriceSensitivity:
    """What is known of one shopper, or of a segment's mean.

    Attributes:
        index: In [0, 1]: mean over purchases of (1 − rank of the price paid among the category's prices) and, where it
            is known, whether it was below the usual price; shrunk to the shop's mean. None if nothing is known.
        low: 5 % quantile.
        high: 95 % quantile.
        level: `high` or `low` if the index is above or below the shop's mean with probability 0.8; else `average`;
            `unknown` without an index.
        shop: The shop's mean index.
        price_rank: Mean rank of the prices paid, 0 the cheapest of the category; None if nothing is known.
        discount_share: Share of purchases below the usual price; None where no usual price is known.
        purchases: With a price that could be ranked.
        usual: What the usual price is: `catalogue` or `paid` (the upper quartile of what the shop's shoppers paid for
            the item) or "".
        reason: Key of `data/report.toml` that says why there is no index; "" where there is one.
    """

    index: float | None
    low: float | None
    high: float | None
    level: str
    shop: float | None
    price_rank: float | None
    discount_share: float | None
    purchases: int
    usual: str
    reason: str


@dataclass(frozen=True, slots=True)
class PriceModel:
    """Scores of all purchases, and how much of their spread lies between shoppers.

    Attributes:
        scored: Rows of purchases: user, item, day, paid (of one), rank, discounted (null if unknown), score.
        mean: Of the scores, a shopper as much as another.
        within: Variance within shoppers.
        between: Variance between them; 0 where there is none beyond chance.
        usual: See `PriceSensitivity`.
        reason: Why nothing can be said of anybody.

    Source: credibility, Bühlmann & Straub (1970), Glaubwürdigkeit für Schadensätze: a mean over n of a shopper is
    worth n / (n + within / between).
    """

    scored: UserRows
    mean: float
    within: float
    between: float
    usual: str
    reason: str

    @classmethod
    def fit(cls, touched: pl.DataFrame, products: Products) -> PriceModel:
        """Score every purchase.

        Args:
            touched: See `touches`.
            products: Their narrowest levels with 20 priced purchases are the categories; their prices, if any, are
                the usual ones.
        """
        bought = touched.filter(pl.col("type") == "purchase")
        priced = bought.filter((pl.col("value") > 0) & (pl.col("quantity") > 0)).select(
            "user", "item", "day", (pl.col("value") / pl.col("quantity")).alias("paid")
        )
        if priced.is_empty():
            reason = "no_purchases" if bought.is_empty() else "no_money"
            return cls(UserRows(_no_scores()), 0.0, 0.0, 0.0, "", reason)
        scored, usual = _scored(priced, products)
        # In order, since sums of floats depend on it.
        scored = scored.sort("user", "day", "item")
        per = scored.group_by("user", maintain_order=True).agg(
            pl.len().alias("n"), pl.col("score").mean(), pl.col("score").var().alias("var")
        )
        many = per.filter(pl.col("n") > 1)
        if many.height < _LEAST_SHOPPERS:
            reason = "few_priced"
            return cls(UserRows(scored), 0.0, 0.0, 0.0, usual, reason)
        mean = float(per["score"].mean())  # type: ignore[arg-type]
        within, between = _variances(many)
        return cls(UserRows(scored), mean, within, between, usual, "")

    def of(self, users: Sequence[str]) -> PriceSensitivity:
        """Of a shopper, or the mean of several, each weighing the same."""
        rows = self.scored.of(users)
        if rows.is_empty() or self.reason:
            reason = self.reason or "no_ranked_price"
            shop = None if self.reason else self.mean
            return PriceSensitivity(None, None, None, "unknown", shop, None, None, 0, self.usual, reason)
        per = rows.group_by("user", maintain_order=True).agg(pl.len().alias("n"), pl.col("score").mean())
        count = per["n"].to_numpy().astype(np.float64)
        worth = count * self.between / (count * self.between + self.within) if self.between else np.zeros(len(count))
        means = self.mean + worth * (per["score"].to_numpy() - self.mean)
        spread = float(np.sqrt((self.between * (1.0 - worth)).mean() / len(means)))
        index = float(means.mean())
        low, high = (float(np.clip(index + z * spread, 0.0, 1.0)) for z in norm.ppf((0.05, 0.95)))
        above = float(norm.cdf((index - self.mean) / spread)) if spread > 0 else 0.5
        level = "high" if above >= _SURE else "low" if above <= 1.0 - _SURE else "average"
        ranks = rows["rank"].mean()
        discounted = rows["discounted"].mean()
        return PriceSensitivity(
            index, low, high, level, self.mean, _float(ranks), _float(discounted), rows.height, self.usual, ""
        )


def _no_scores() -> pl.DataFrame:
    return pl.DataFrame(schema={"user": pl.String, "rank": pl.Float64, "discounted": pl.Float64, "score": pl.Float64})


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _scored(priced: pl.DataFrame, products: Products) -> tuple[pl.DataFrame, str]:
    """Rank and discount of each purchase; rows whose category has too few prices have none."""
    levels = [f"level_{n}" for n in range(products.depth, 0, -1)]
    table = priced.join(products.frame(), left_on="item", right_on="id", how="left")
    rank = pl.lit(None, pl.Float64)
    for name in reversed(levels):
        place = (pl.col("paid").rank("average").over(name) - 0.5) / pl.len().over(name)
        rank = pl.when((pl.col(name) != "") & (pl.len().over(name) >= _LEAST_PEERS)).then(place).otherwise(rank)
    catalogue = bool(products.frame()["price"].is_not_null().any())
    usual = (
        pl.col("price")
        if catalogue
        else pl.when(pl.len().over("item") >= _LEAST_PAID).then(pl.col("paid").quantile(_USUAL).over("item"))
    )
    found = table.with_columns(
        rank.alias("rank"), (pl.col("paid") <= _CHEAPER * usual).cast(pl.Float64).alias("discounted")
    ).drop_nulls("rank")
    cheap = 1.0 - pl.col("rank")
    score = pl.when(pl.col("discounted").is_null()).then(cheap).otherwise((cheap + pl.col("discounted")) / 2.0)
    known = found["discounted"].count() > 0
    kept = found.select("user", "item", "day", "paid", "rank", "discounted", score.alias("score"))
    return kept, ("catalogue" if catalogue else "paid") if known else ""


def _variances(many: pl.DataFrame) -> tuple[float, float]:
    """Within and between shoppers, unbiased; see Bühlmann & Straub."""
    n = many["n"].to_numpy().astype(np.float64)
    means: NDArray[np.float64] = many["score"].to_numpy()
    within = float(np.sum((n - 1) * many["var"].to_numpy()) / np.sum(n - 1))
    total = n.sum()
    grand = float(np.sum(n * means) / total)
    between = (np.sum(n * (means - grand) ** 2) - (len(n) - 1) * within) / (total - np.sum(n**2) / total)
    return within, max(0.0, float(between))
