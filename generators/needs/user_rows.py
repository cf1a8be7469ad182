"""Rows of a table by shopper, found without looking through the table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl


class UserRows:
    """A table with a column `user`, sorted by it.

    >>> UserRows(pl.DataFrame({"user": ["b", "a", "b"], "n": [1, 2, 3]})).of(["b"])["n"].to_list()
    [1, 3]
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        """Sort a table by shopper; the order of a shopper's rows stays."""
        self.frame = frame.sort("user", maintain_order=True)
        runs = self.frame["user"].rle()
        lengths = runs.struct.field("len").to_numpy().astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(lengths) else lengths
        names = runs.struct.field("value").to_list()
        self._places = dict(zip(names, zip(starts.tolist(), lengths.tolist(), strict=True), strict=True))

    def of(self, users: Sequence[str]) -> pl.DataFrame:
        """The rows of some shoppers; none for strangers."""
        if len(users) == 1:
            return self.frame.slice(*self._places.get(users[0], (0, 0)))
        parts = [self.frame.slice(*self._places[user]) for user in sorted(set(users)) if user in self._places]
        return pl.concat(parts) if parts else self.frame.head(0)

    def users(self) -> list[str]:
        """All, sorted."""
        return list(self._places)

    def __contains__(self, user: str) -> bool:
        return user in self._places
