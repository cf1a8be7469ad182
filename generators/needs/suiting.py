"""How well the products of a campaign suit a shopper."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl

from engine.profiles import ProfileSettings, ProfileStore
from engine.profiles.build import ITEM_VECTORS
from engine.profiles.matching import rank_scores
from engine.profiles.model_files import ITEMS
from engine.profiles.profile_folder import ProfileFolder
from generators.needs.needs import Needs


class Suiting:
    """Scores by the profiles: popularity, tilted towards the shopper; for a segment, popularity alone."""

    def __init__(self, folder: Path, items: Iterable[str]) -> None:
        """Keep the vectors of these products.

        Args:
            folder: Of the profiles.
            items: Product ids; those without a profile have no score.

        Raises:
            NotFound: If there is no profile folder.
        """
        opened = ProfileFolder.open(folder)
        table = pl.read_parquet(opened.path(ITEMS))
        rows = {id_: row for row, id_ in enumerate(table["id"])}
        self._items = [item for item in items if item in rows]
        places = np.array([rows[item] for item in self._items], dtype=np.int64)
        vectors = np.load(opened.path(ITEM_VECTORS), mmap_mode="r")
        self._vectors = np.asarray(vectors[places], dtype=np.float32)
        self._shoppers = table["shoppers"].to_numpy()[places]
        self._store = ProfileStore(folder)
        self._sharpness = ProfileSettings.from_json(opened.manifest.settings).sharpness

    def of(self, needs: Needs) -> dict[str, float]:
        """Product → score, greater is better."""
        vector = self._store.embedding(needs.name) if needs.kind == "shopper" else None
        cosines = np.zeros(len(self._items))
        if vector is not None and self._items:
            cosines = np.asarray(self._vectors @ vector, dtype=np.float64)
        scores = rank_scores(cosines, self._shoppers, self._sharpness)
        return dict(zip(self._items, scores.tolist(), strict=True))
