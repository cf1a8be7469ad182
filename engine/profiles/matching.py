"""Finds what suits a shopper: products, and texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.core.errors import FailedPrecondition, InvalidInput, NotFound
from engine.profiles.build import ITEM_VECTORS
from engine.profiles.content import unit
from engine.profiles.events import Events
from engine.profiles.model_files import ITEMS, read_content
from engine.profiles.profile_folder import ProfileFolder
from engine.profiles.profile_store import ProfileStore
from engine.profiles.settings import ProfileSettings


@dataclass(frozen=True, slots=True)
class Match:
    """One item.

    Attributes:
        item: Its id.
        cosine: Of its vector and the shopper's, in [−1, 1].
        score: What it is ranked by.
    """

    item: str
    cosine: float
    score: float


class Matcher:
    """Matches of one generation of a profile folder."""

    def __init__(self, folder: Path) -> None:
        """Map it.

        Raises:
            NotFound: If there is no profile folder.
            UnsupportedVersion: If a newer armsreach wrote it.
        """
        opened = ProfileFolder.open(folder)
        self._folder = folder
        self._settings = ProfileSettings.from_json(opened.manifest.settings)
        self._store = ProfileStore(folder)
        self._items = pl.read_parquet(opened.path(ITEMS))
        self._vectors: NDArray[np.float32] = np.load(opened.path(ITEM_VECTORS), mmap_mode="r")
        self._content = read_content(opened)

    def products(self, user: str, top: int = 10, *, novel: bool = False, by: str = "cosine") -> list[Match]:
        """The products that suit a shopper best, best first.

        Args:
            user: As the folder knows shoppers.
            top: How many.
            novel: Leave out what the shopper had to do with before.
            by: `cosine` of the vectors: nearest; or `rank`: with popularity and habit, what `profiles evaluate` calls
                blend+personal.

        Raises:
            NotFound: If nothing is known of the shopper.
            InvalidInput: If `by` is neither.
        """
        if by not in ("cosine", "rank"):
            raise InvalidInput(f"expected cosine or rank, got {by!r}", field="--by")
        cosines = np.asarray(self._vectors @ self._vector(user), dtype=np.float64)
        scores, counts = cosines, self._counts(user) if novel or by == "rank" else cosines
        if by == "rank":
            shoppers = self._items["shoppers"].to_numpy()
            sharpness = self._settings.novel_sharpness if novel else self._settings.sharpness
            scores = rank_scores(cosines, shoppers, sharpness) + self._settings.repeat * np.log1p(counts)
        left = counts == 0 if novel else np.ones(len(scores), dtype=bool)
        rows = np.flatnonzero(left)
        best = rows[np.argsort(-scores[rows], kind="stable")[:top]]
        ids = self._items["id"]
        return [Match(ids[int(row)], float(cosines[row]), float(scores[row])) for row in best]

    def texts(self, user: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Cosine of the content of texts, such as copy, and the shopper's; 0 where nothing is known. Shape (n,).

        Raises:
            NotFound: If nothing is known of the shopper.
            FailedPrecondition: If the profiles have no content.
        """
        return np.asarray(self.content(texts) @ self.content_of(user), dtype=np.float64)

    def content(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Content vectors of texts at length 1, zeros where nothing is known; shape (n, content_dimension).

        Raises:
            FailedPrecondition: If the profiles have no content.
        """
        if self._content is None:
            raise FailedPrecondition(
                f"{self._folder}: these profiles have no content; build them with --products and --refit"
            )
        return self._content.vectors(texts)

    def content_of(self, user: str) -> NDArray[np.float32]:
        """The content part of a shopper's vector at length 1, or zeros; shape (content_dimension,).

        Raises:
            NotFound: If nothing is known of the shopper.
        """
        return unit(self._vector(user)[None, self._settings.factors :])[0]

    def _counts(self, user: str) -> NDArray[np.float64]:
        """Weights of the shopper's events by item, every event of a type alike; shape (m,)."""
        weights = {kind.value: float(weight) for kind, weight in self._settings.weights.items()}
        touched = Events.open(self._folder).where(users=[user]).frame().filter(pl.col("item").is_not_null())
        weight = pl.col("type").replace_strict(weights, return_dtype=pl.Float64)
        sums = touched.group_by(pl.col("item").alias("id")).agg(weight.sum().alias("weight"))
        joined = self._items.join(sums, on="id", how="left", maintain_order="left")
        return joined["weight"].fill_null(0.0).to_numpy()

    def _vector(self, user: str) -> NDArray[np.float32]:
        vector = self._store.embedding(user)
        if vector is None:
            raise NotFound(f"{self._folder}: nothing is known of this shopper; check the id, and --data or --config")
        return vector


def rank_scores(cosines: NDArray[np.float64], shoppers: NDArray[np.int64], sharpness: float) -> NDArray[np.float64]:
    """log(1 + shoppers of the item) + sharpness · cosine: popularity, tilted towards the shopper.

    Args:
        cosines: Shape (…, m).
        shoppers: Of each item; shape (m,).
        sharpness: 0 for popularity alone.
    """
    return np.asarray(np.log1p(shoppers) + sharpness * cosines, dtype=np.float64)
