"""A split in time: what profiles may know, and what is to be foreseen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from engine.core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class HoldOut:
    """Events before and after.

    Attributes:
        before: Events before `start`.
        after: Purchases from `start` on, before `end`.
        start: Begin of what is foreseen.
        end: Its end.
    """

    before: pl.DataFrame
    after: pl.DataFrame
    start: datetime
    end: datetime

    @classmethod
    def split(cls, events: pl.DataFrame, start: datetime, end: datetime) -> HoldOut:
        """Split.

        Raises:
            InvalidInput: If there is nothing on one of the sides.
        """
        before = events.filter(pl.col("at") < start)
        bought = (pl.col("type") == "purchase") & (pl.col("at") >= start) & (pl.col("at") < end)
        after = events.filter(bought)
        if before.is_empty() or after.is_empty():
            what = "events before" if before.is_empty() else "purchases from"
            raise InvalidInput(f"no {what} {start}; choose other days, or give more events", field="--test-days")
        return cls(before, after, start, end)

    def relevant(self, users: tuple[str, ...], items: tuple[str, ...]) -> csr_matrix:
        """Which of the items each of the shoppers bought afterwards; shape (users, items), of 0 and 1."""
        rows = pl.DataFrame({"user": users, "r": np.arange(len(users))}, schema={"user": pl.String, "r": pl.Int64})
        columns = pl.DataFrame({"item": items, "c": np.arange(len(items))}, schema={"item": pl.String, "c": pl.Int64})
        pairs = self.after.select("user", "item").unique().join(rows, on="user").join(columns, on="item")
        ones = np.ones(pairs.height)
        return csr_matrix((ones, (pairs["r"].to_numpy(), pairs["c"].to_numpy())), shape=(len(users), len(items)))


def shuffled_order(items: int, seed: int) -> NDArray[np.int64]:
    """An order of items in which equal scores are not in the order of their names."""
    return np.random.default_rng(seed).permutation(items)
