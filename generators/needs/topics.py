"""Groups of products that are alike: what interests are about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from engine.core.errors import FailedPrecondition
from engine.profiles import Products
from generators.needs.settings import NeedsSettings
from generators.needs.topic import Topic
from generators.needs.topic_names import name_groups

# texts → unit vectors, zeros where nothing is known
Content = Callable[[Sequence[str]], NDArray[np.float32]]
_CHOICES = (2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
_SAMPLE = 2000
_NEAR = 0.2


@dataclass(frozen=True, slots=True)
class Topics:
    """Clusters of the content vectors of products, named from the taxonomy.

    Attributes:
        named: Names; clusters that would have the same name are one topic.
        items: Product → its topic. All products that the shop sells and of which content is known.
        centres: Of the clusters, at length 1; shape (c, d).
        topic_of: Topic of each cluster; shape (c,).
        content: What gives vectors of texts.
        silhouettes: Number of clusters → mean silhouette by cosine, of those that were tried.

    Source: spherical k-means: Dhillon & Modha (2001), Concept decompositions for large sparse text data. Number of
    clusters: Rousseeuw (1987), Silhouettes.
    """

    named: tuple[Topic, ...]
    items: dict[str, int]
    centres: NDArray[np.float64]
    topic_of: NDArray[np.int64]
    content: Content
    silhouettes: dict[int, float]

    @classmethod
    def fit(cls, events: pl.DataFrame, products: Products, content: Content, settings: NeedsSettings) -> Topics:
        """Find groups among the products that shoppers had to do with.

        Args:
            events: Of all shoppers; columns user and item are read.
            products: With their taxonomy.
            content: Vectors of texts.
            settings: Number of clusters and seed.

        Raises:
            FailedPrecondition: If there is no taxonomy to name interests from, or too little was touched.
        """
        frame = products.frame()
        if products.depth == 0:
            raise FailedPrecondition(
                "these profiles have no categories to name interests from; "
                "build them with --products FILE --category COLUMN[,COLUMN] and --refit"
            )
        touched = events.drop_nulls("item").group_by("item").agg(pl.col("user").n_unique().alias("weight"))
        rows = frame.with_columns(pl.Series("text", products.texts())).join(
            touched, left_on="id", right_on="item", how="left", maintain_order="left"
        )
        known = rows.with_columns(pl.col("weight").fill_null(0).cast(pl.Float64))
        texts = known.group_by("text", maintain_order=True).agg(pl.col("weight").sum())
        vectors = np.asarray(content(texts["text"].to_list()), dtype=np.float64)
        weight = texts["weight"].to_numpy()
        usable = np.flatnonzero((weight > 0) & vectors.any(axis=1))
        if len(usable) < 2:
            raise FailedPrecondition(
                "events name fewer than two products of the catalogue with content; "
                "check that --item and --product-id hold the same ids, and build the profiles anew"
            )
        centres, silhouettes = _clustered(vectors[usable], weight[usable], settings)
        cluster = nearest(vectors, centres)
        of_text = dict(zip(texts["text"].to_list(), cluster.tolist(), strict=True))
        clusters = np.array([of_text[text] for text in known["text"]], dtype=np.int64)
        named, topic_of = _merged(clusters, known, len(centres), products.depth)
        topics = np.where(clusters < 0, -1, topic_of[clusters])
        items = {id_: int(topic) for id_, topic in zip(known["id"], topics, strict=True) if topic >= 0}
        return cls(_counted(named, items, events), items, centres, topic_of, content, silhouettes)

    def of_texts(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Topic of each search or title; −1 where its content is near to none (cosine below 0.2). Shape (n,)."""
        if not texts:
            return np.zeros(0, dtype=np.int64)
        vectors = np.asarray(self.content(texts), dtype=np.float64)
        clusters = nearest(vectors, self.centres, _NEAR)
        return np.where(clusters < 0, -1, self.topic_of[clusters])

    def __len__(self) -> int:
        return len(self.named)


def nearest(vectors: NDArray[np.float64], centres: NDArray[np.float64], least: float = -2.0) -> NDArray[np.int64]:
    """Centre with the greatest cosine; −1 for a vector of zeros, or below `least`. Shape (n,)."""
    cosines = vectors @ centres.T
    best = np.argmax(cosines, axis=1)
    near = vectors.any(axis=1) & (cosines[np.arange(len(vectors)), best] >= least)
    return np.where(near, best, -1).astype(np.int64)


def _clustered(
    vectors: NDArray[np.float64], weights: NDArray[np.float64], settings: NeedsSettings
) -> tuple[NDArray[np.float64], dict[int, float]]:
    """Unit centres, and the silhouettes of what was tried."""
    distinct = len(np.unique(vectors.round(6), axis=0))
    if settings.topics:
        return _spherical(vectors, weights, min(settings.topics, distinct), settings.seed), {}
    tried: dict[int, float] = {}
    found: dict[int, NDArray[np.float64]] = {}
    rng = np.random.default_rng(settings.seed)
    sample = np.arange(len(vectors))
    if len(sample) > _SAMPLE:
        sample = np.sort(rng.choice(sample, _SAMPLE, replace=False, p=weights / weights.sum()))
    for count in (choice for choice in _CHOICES if choice <= max(2, distinct // 2)):
        found[count] = _spherical(vectors, weights, count, settings.seed)
        labels = nearest(vectors[sample], found[count])
        if 1 < len(np.unique(labels)) < len(sample):
            tried[count] = float(silhouette_score(vectors[sample], labels, metric="cosine"))
    if not tried:
        return _spherical(vectors, weights, min(2, distinct), settings.seed), {}
    return found[max(tried, key=lambda count: (tried[count], -count))], tried


def _spherical(
    vectors: NDArray[np.float64], weights: NDArray[np.float64], count: int, seed: int
) -> NDArray[np.float64]:
    model = KMeans(count, n_init=2, random_state=seed).fit(vectors, sample_weight=weights)
    centres = np.asarray(model.cluster_centers_, dtype=np.float64)
    # Lloyd's steps with centres at length 1: the objective of spherical k-means, from k-means' own start.
    for _ in range(10):
        centres = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
        labels = np.argmax(vectors @ centres.T, axis=1)
        moved = np.zeros_like(centres)
        np.add.at(moved, labels, vectors * weights[:, None])
        moved = np.where(moved.any(axis=1, keepdims=True), moved, centres)
        moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)
        if np.allclose(moved, centres, atol=1e-9):
            break
        centres = moved
    return centres


def _merged(
    clusters: NDArray[np.int64], known: pl.DataFrame, count: int, depth: int
) -> tuple[list[Topic], NDArray[np.int64]]:
    """Names, and the topic of each cluster; clusters of one name become one topic, named anew with what it covers."""
    levels = known.select([f"level_{n}" for n in range(1, depth + 1)])
    weights = known["weight"].to_numpy()
    topic_of = np.arange(count)
    used = clusters >= 0
    named: list[Topic] = []
    for _ in range(5):
        groups = topic_of[clusters[used]]
        named = name_groups(groups, weights[used], levels.filter(pl.Series(used)))
        first: dict[str, int] = {}
        places = np.array([first.setdefault(topic.name, len(first)) for topic in named], dtype=np.int64)
        topic_of = places[topic_of]
        if len(first) == len(named):
            break
    return named, topic_of


def _counted(named: list[Topic], items: dict[str, int], events: pl.DataFrame) -> tuple[Topic, ...]:
    table = pl.DataFrame(
        {"item": list(items), "topic": list(items.values())}, schema={"item": pl.String, "topic": pl.Int64}
    )
    counts = (
        events.drop_nulls("item").join(table, on="item")
        .group_by("topic").agg(pl.col("user").n_unique().alias("users"), pl.col("item").n_unique().alias("items"))
    )  # fmt: skip
    by_topic = {topic: (users, products) for topic, users, products in counts.iter_rows()}
    return tuple(
        replace(topic, shoppers=by_topic.get(place, (0, 0))[0], products=by_topic.get(place, (0, 0))[1])
        for place, topic in enumerate(named)
    )
