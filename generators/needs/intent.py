"""How likely a shopper buys in a topic soon, learned from the shop's own past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.needs.settings import NeedsSettings
from generators.needs.shares import ShareModel, effective
from generators.needs.stage import shop_cycles
from generators.needs.touches import DAY_S, tallies

FEATURES = (
    "touches", "share", "base", "age", "bought", "carts", "looks", "activity", "cycle", "cycle_known", "never_bought",
)  # fmt: skip
_LEAST_BUYS = 50
_CUTS = 2


@dataclass(frozen=True, slots=True)
class IntentModel:
    """A logistic regression of P(purchase in the topic within the horizon | what the shopper did in it before).

    Learned at two moments of the past whose horizon is over, on every pair of a shopper and a topic that they had to
    do with; so its probabilities are those of this shop. They hold for pairs with at least one touch.

    Attributes:
        horizon_days: Of the purchase.
        pairs: It was learned from.
        buys: Of these, followed by a purchase.
        reason: Key of `data/report.toml` that says why there is no model; "" where there is one.
    """

    horizon_days: int
    pairs: int
    buys: int
    reason: str
    _fitted: object = None

    @classmethod
    def fit(cls, touched: pl.DataFrame, present: datetime, topics: int, settings: NeedsSettings) -> IntentModel:
        """Learn.

        Args:
            touched: See `touches`; only what was before the present is read.
            present: The end of the last horizon.
            topics: How many there are.
            settings: Horizon and half-life.
        """
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        horizon = settings.horizon_days
        span = timedelta(days=horizon)
        before = touched.filter(pl.col("at") < present)
        first: datetime | None = before["at"].min()  # type: ignore[assignment]
        blocks, labels = [], []
        for number in range(1, _CUTS + 1):
            cut = present - number * span
            if first is None or cut - first < span:
                break
            tallied = tallies(before, cut, settings)
            if tallied.is_empty():
                continue
            share = ShareModel.fit(tallied, topics)
            blocks.append(features(tallied, share, shop_cycles(tallied), cut))
            labels.append(bought_within(before, tallied, cut, cut + span))
        if not blocks:
            return cls(horizon, 0, 0, "short_past")
        x, y = np.vstack(blocks), np.concatenate(labels)
        buys = int(y.sum())
        if buys < _LEAST_BUYS or buys > len(y) - _LEAST_BUYS:
            return cls(horizon, len(y), buys, "few_buys")
        model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=500))
        return cls(horizon, len(y), buys, "", model.fit(x, y))

    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Probabilities, shape (n,); None where there is no model.

        Args:
            rows: See `features`.
        """
        if self._fitted is None:
            return None
        return np.asarray(self._fitted.predict_proba(rows)[:, 1])  # type: ignore[attr-defined]


def features(
    tallied: pl.DataFrame, shares: ShareModel, cycles: Mapping[int, float], at: datetime
) -> NDArray[np.float64]:
    """What the model sees, a row for each pair; columns `FEATURES`, shape (n, 11)."""
    table = effective(tallied)
    topics = table["topic"].to_numpy()
    base = shares.base[topics]
    count, total = table["count"].to_numpy(), table["total"].to_numpy()
    share = (shares.strength * base + count) / (shares.strength + total)
    cycle = np.array([cycles.get(int(topic), np.nan) for topic in topics])
    since = table.select((pl.lit(at) - pl.col("last_bought")).dt.total_seconds() / DAY_S).to_series().to_numpy()
    since = np.asarray(since, dtype=np.float64)
    due = np.minimum(since / cycle, 4.0)
    age = table.select((pl.lit(at) - pl.col("last_at")).dt.total_seconds() / DAY_S).to_series().to_numpy()
    active = table.select(pl.col("recent").sum().over("user")).to_series().to_numpy()
    columns = (
        np.log1p(table["weight"].to_numpy()),
        np.log(share / base),
        np.log(base),
        np.log1p(np.maximum(age, 0.0)),
        np.log1p(table["bought_days"].list.len().to_numpy()),
        np.log1p(table["recent_carts"].to_numpy()),
        np.log1p(table["recent_looks"].to_numpy()),
        np.log1p(active),
        np.nan_to_num(due),
        np.isfinite(due).astype(np.float64),
        np.isnan(since).astype(np.float64),
    )
    return np.column_stack(columns).astype(np.float64)


def bought_within(
    touched: pl.DataFrame, tallied: pl.DataFrame, since: datetime, until: datetime
) -> NDArray[np.float64]:
    """1 for each pair of `tallied` with a purchase in [since, until), else 0; shape (n,)."""
    bought = (
        touched.filter((pl.col("type") == "purchase") & (pl.col("at") >= since) & (pl.col("at") < until))
        .select("user", "topic").unique().with_columns(pl.lit(1.0).alias("bought"))
    )  # fmt: skip
    joined = tallied.select("user", "topic").join(bought, on=["user", "topic"], how="left", maintain_order="left")
    return joined["bought"].fill_null(0.0).to_numpy()
