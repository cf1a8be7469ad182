"""Events and products → a vector for each shopper and each item."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from engine.profiles.content import ContentModel, unit
from engine.profiles.factors import FactorModel
from engine.profiles.interest_matrix import Interests, interests
from engine.profiles.products import Products
from engine.profiles.settings import ProfileSettings


@dataclass(frozen=True, slots=True)
class Models:
    """What is learned once and kept until the next refit.

    Attributes:
        content: None where there are no products.
        factors: Its rows are the first of `items`.
        items: Ids, in the order of the factors.
    """

    content: ContentModel | None
    factors: FactorModel
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """Profiles.

    Attributes:
        users: Sorted.
        vectors: Of shoppers, at length 1: factors first, then content. Shape (n, d), float32. A shopper of whom
            neither is known has zeros.
        items: Of all products and events.
        item_vectors: At length 1, or zeros. Shape (m, d), float32.
        shoppers: Number of each item's, shape (m,).
        interests: What it was made of.
        models: As fitted or as given, new items folded in.
    """

    users: tuple[str, ...]
    vectors: NDArray[np.float32]
    items: tuple[str, ...]
    item_vectors: NDArray[np.float32]
    shoppers: NDArray[np.int64]
    interests: Interests
    models: Models


def make(
    events: pl.DataFrame,
    products: Products,
    settings: ProfileSettings,
    as_of: datetime,
    models: Models | None = None,
    *,
    threads: int = 1,
    tell: Callable[[str], None] = lambda _: None,
) -> Made:
    """Make profiles.

    Args:
        events: Clean, none later than `as_of`.
        products: May be empty: then there is no content, and no place for it in the vectors is used.
        settings: How.
        as_of: The present of the recency weights.
        models: Fold in, instead of fitting anew.
        threads: Of ALS.
        tell: Hears what is begun.
    """
    users = tuple(events["user"].unique().sort().to_list())
    items = _all_items(events, products, models.items if models else ())
    tell("adding up events")
    found = interests(events, users, items, as_of, settings)
    tell("content")
    content, user_content, item_content = _content(products, items, found, settings, models)
    tell("factors")
    if models is None:
        factors = FactorModel.fit(found.items, settings, threads)
    else:
        factors = models.factors.with_new_items(found.items, threads)
    user_factors = factors.users(found.items, threads)
    tell("blending")
    share = settings.content_share
    return Made(
        users,
        blended(user_factors, user_content, share),
        items,
        blended(factors.items, item_content, share),
        np.asarray(found.shoppers, dtype=np.int64),
        found,
        Models(content, factors, items),
    )


def blended(factors: NDArray[np.float32], content: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Vectors at length 1 whose dot product is share · cosine of contents + (1 − share) · cosine of factors.

    Where only one of both is known, that alone makes the vector.

    Args:
        factors: Shape (n, f).
        content: Shape (n, c).
        share: Of content.
    """
    both = [np.sqrt(1.0 - share) * unit(factors), np.sqrt(share) * unit(content)]
    known = [part.any(axis=1) for part in (factors, content)]
    # A shopper without factors has content alone, even where content has no share.
    both[1][~known[0]] = unit(content[~known[0]])
    both[0][~known[1]] = unit(factors[~known[1]])
    return unit(np.hstack(both).astype(np.float32))


def _all_items(events: pl.DataFrame, products: Products, known: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the factors first, in their order; then the others, sorted."""
    there = set(known)
    touched = events["item"].drop_nulls().unique().to_list()
    return known + tuple(sorted({*touched, *products.ids()} - there))


def _content(
    products: Products, items: tuple[str, ...], found: Interests, settings: ProfileSettings, models: Models | None
) -> tuple[ContentModel | None, NDArray[np.float32], NDArray[np.float32]]:
    """The model, and vectors of shoppers and items."""
    size = settings.content_dimension
    item_vectors = np.zeros((len(items), size), dtype=np.float32)
    model = models.content if models else None
    rows = {item: row for row, item in enumerate(items)}
    places = np.array([rows[id] for id in products.ids()], dtype=np.int64)
    texts = products.texts()
    if size and models is None and texts:
        model = ContentModel.fit(texts, size, settings.seed, found.shoppers[places].astype(np.float64))
    if model is None:
        return None, np.zeros((found.items.shape[0], size), dtype=np.float32), item_vectors
    item_vectors[places] = model.vectors(texts)
    query_vectors = model.vectors(found.texts)
    sums = csr_matrix(found.items) @ item_vectors + csr_matrix(found.queries) @ query_vectors
    return model, unit(np.asarray(sums, dtype=np.float32)), item_vectors
