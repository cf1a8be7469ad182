"""Measures rankings of items by profiles on a hold-out in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from engine.profiles.evaluation.bootstrap import Interval, interval, resampling_weights
from engine.profiles.evaluation.hold_out import HoldOut
from engine.profiles.evaluation.ranking_metrics import hits_and_ndcg, top
from engine.profiles.interest_matrix import interests
from engine.profiles.making import Made, blended, make
from engine.profiles.matching import rank_scores
from engine.profiles.products import Products
from engine.profiles.settings import ProfileSettings

K = 10
_BLOCK = 512
# score(rows) → scores of those shoppers, shape (n, items)
Scorer = Callable[[NDArray[np.int64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Ranked:
    """How one ranker did, a number for each shopper that is asked about.

    Attributes:
        hit: Hit@10, shape (n,).
        ndcg: NDCG@10, shape (n,).
    """

    hit: NDArray[np.float64]
    ndcg: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured.

    Attributes:
        shoppers: Who is asked about: known before, and bought at least one candidate afterwards.
        left_out: Who bought afterwards, and is not asked about: unknown before, or no candidate among what they bought.
        candidates: Items that are ranked: all that had an event before.
        ranked: Ranker → its numbers.
    """

    shoppers: int
    left_out: int
    candidates: int
    ranked: Mapping[str, Ranked]

    def table(self, resamples: int = 2000, seed: int = 0) -> dict[tuple[str, str], Interval]:
        """(ranker, metric) → mean with a 95 % interval; metrics `hit@10` and `ndcg@10`."""
        weights = resampling_weights(self.shoppers, resamples, seed)
        found = {}
        for name, numbers in self.ranked.items():
            found[name, "hit@10"] = interval(numbers.hit, weights)
            found[name, "ndcg@10"] = interval(numbers.ndcg, weights)
        return found

    def difference(self, one: str, other: str, resamples: int = 2000, seed: int = 0) -> dict[str, Interval]:
        """Metric → mean of the paired differences, one − other, with a 95 % interval."""
        weights = resampling_weights(self.shoppers, resamples, seed)
        first, second = self.ranked[one], self.ranked[other]
        return {
            "hit@10": interval(first.hit - second.hit, weights),
            "ndcg@10": interval(first.ndcg - second.ndcg, weights),
        }


def evaluate(
    hold_out: HoldOut,
    products: Products,
    settings: ProfileSettings,
    *,
    novel: bool = False,
    rankers: Sequence[str] | None = None,
    made: Made | None = None,
    threads: int = 1,
) -> Evaluation:
    """Rank all items for every shopper, and see what they bought afterwards.

    Args:
        hold_out: The split.
        products: Of the items.
        settings: Of the profiles.
        novel: Leave out, for each shopper, what they had to do with before: candidates, and what they bought.
        rankers: Which; by default all of `RANKERS`.
        made: Profiles of `hold_out.before` with these settings up to `content_share` and `sharpness`, to spare time.
        threads: Of ALS.
    """
    made = made or make(hold_out.before, products, settings, hold_out.start, threads=threads)
    seen = made.shoppers > 0
    relevant = csr_matrix(hold_out.relevant(made.users, made.items)[:, seen])
    touched = csr_matrix(made.interests.items[:, seen])
    if novel:
        relevant = csr_matrix(relevant - relevant.multiply(touched > 0))
        relevant.eliminate_zeros()
    rows = np.flatnonzero(np.diff(relevant.indptr))
    forever = replace(settings, half_life_days=1e9)
    every = interests(hold_out.before, made.users, made.items, hold_out.start, forever).items
    settings = replace(settings, sharpness=settings.novel_sharpness) if novel else settings
    scorers = _scorers(made, seen, touched, csr_matrix(every[:, seen]), settings)
    ranked = {}
    for name in rankers or RANKERS:
        ranked[name] = _judged(scorers[name], rows, relevant, touched if novel else None)
    buyers = hold_out.after["user"].n_unique()
    return Evaluation(len(rows), buyers - len(rows), int(seen.sum()), ranked)


RANKERS = ("popularity", "personal", "personal_recent", "content", "factors", "blend", "blend+personal")


def _scorers(
    made: Made, seen: NDArray[np.bool_], touched: csr_matrix, counts: csr_matrix, settings: ProfileSettings
) -> dict[str, Scorer]:
    """What each ranker is.

    - popularity: number of shoppers of the item.
    - personal: how often the shopper had to do with it, every event of a type alike; popularity where equal.
    - personal_recent: the same by recency-weighted events.
    - content, factors, blend: popularity tilted by the cosine of one part of the vectors, or of all.
    - blend+personal: the blend, moved towards what the shopper had to do with.
    """
    shoppers = made.shoppers[seen]
    size = settings.factors
    popular = np.log1p(shoppers)
    tie = 1e-6 * popular / (1.0 + popular.max())

    def tilted(share: float) -> Scorer:
        users = blended(made.vectors[:, :size], made.vectors[:, size:], share)
        items = blended(made.item_vectors[seen, :size], made.item_vectors[seen, size:], share)
        return lambda rows: rank_scores(np.asarray(users[rows] @ items.T, np.float64), shoppers, settings.sharpness)

    def habit(matrix: csr_matrix) -> Scorer:
        return lambda rows: np.asarray(matrix[rows].toarray() + tie, dtype=np.float64)

    blend = tilted(settings.content_share)
    return {
        "popularity": lambda rows: np.broadcast_to(popular, (len(rows), len(popular))),
        "personal": habit(counts),
        "personal_recent": habit(touched),
        "content": tilted(1.0),
        "factors": tilted(0.0),
        "blend": blend,
        "blend+personal": lambda rows: blend(rows) + settings.repeat * np.log1p(counts[rows].toarray()),
    }


def _judged(scorer: Scorer, rows: NDArray[np.int64], relevant: csr_matrix, hidden: csr_matrix | None) -> Ranked:
    hits, ndcgs = [np.empty(0)], [np.empty(0)]
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        scores = np.array(scorer(block), dtype=np.float64)
        if hidden is not None:
            scores[hidden[block].toarray() > 0] = -np.inf
        hit, ndcg = hits_and_ndcg(top(scores, K), relevant[block].toarray() > 0)
        hits.append(hit)
        ndcgs.append(ndcg)
    return Ranked(np.concatenate(hits), np.concatenate(ndcgs))
