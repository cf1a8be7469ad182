"""What `needs_quality.py` measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import betabinom
from sklearn.metrics import brier_score_loss, roc_auc_score

from engine.profiles import Products
from generators.needs.intent import IntentModel, bought_within, features
from generators.needs.price import PriceModel
from generators.needs.segments import cluster_segments
from generators.needs.settings import NeedsSettings
from generators.needs.shares import ShareModel, effective
from generators.needs.stage import shop_cycles
from generators.needs.touches import tallies

TOP = 5
SURE = 0.8
_LEAST = 10
_CHANCES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
_BINS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Shoppers and the topics that they touched, with the posterior.

    Attributes:
        table: Columns user, topic, count, total, confidence, base, a and b (of the marginal Beta posterior).
        model: The prior.
    """

    table: pl.DataFrame
    model: ShareModel

    @classmethod
    def of(cls, touched: pl.DataFrame, at: datetime, topics: int, settings: NeedsSettings) -> Pairs:
        """Of touches before a time."""
        tallied = effective(tallies(touched, at, settings))
        model = ShareModel.fit(tallied, topics)
        places, counts, total = (tallied[name].to_numpy() for name in ("topic", "count", "total"))
        found = model.posterior(places, counts, total)
        a = model.strength * found.base + counts
        table = tallied.with_columns(
            pl.Series("confidence", found.confidence),
            pl.Series("base", found.base),
            pl.Series("a", a),
            pl.Series("b", model.strength + total - a),
        )
        return cls(table, model)

    def top(self, least: int = _LEAST) -> dict[str, list[int]]:
        """The surest topics of each shopper with so many touches."""
        enough = self.table.filter(pl.col("events").sum().over("user") >= least)
        ranked = enough.sort("user", "confidence", "topic", descending=[False, True, False])
        best = ranked.group_by("user", maintain_order=True).head(TOP)
        return dict(best.group_by("user", maintain_order=True).agg("topic").iter_rows())


def stability(
    first: pl.DataFrame, second: pl.DataFrame, topics: int, at: datetime, settings: NeedsSettings, resamples: int
) -> None:
    """Jaccard of the five surest interests by two random halves of the trips; and of two households' halves."""
    one, other = (Pairs.of(part, at, topics, settings).top() for part in (first, second))
    users = sorted(set(one) & set(other))
    left, right = [set(one[user]) for user in users], [set(other[user]) for user in users]
    own = np.array([_jaccard(a, b) for a, b in zip(left, right, strict=True)])
    rng = np.random.default_rng(settings.seed)
    shuffled = []
    for _ in range(min(resamples, 500)):
        order = rng.permutation(len(users))
        shuffled.append(np.mean([_jaccard(left[i], right[j]) for i, j in enumerate(order)]))
    p = (1 + sum(value >= own.mean() for value in shuffled)) / (1 + len(shuffled))
    result(
        f"stability jaccard@{TOP} {_mean(own, resamples)} of {len(users)} households;",
        f"permuted households {np.mean(shuffled):.3f}",
        f"(greatest of {len(shuffled)}: {max(shuffled):.3f}, p {p:.4f})",
    )


def calibration(name: str, pairs: Pairs, later: pl.DataFrame, resamples: int) -> None:
    """By confidence: how often the share is above the shop's among other touches, seen and foretold.

    A share among n touches is above the base by chance, too, and may miss it though the truth is above; so what the
    posterior itself foretells for n touches (beta-binomial) is what the count is to be compared with.
    """
    after = later.group_by("user", "topic").agg(pl.len().alias("k"))
    n = later.group_by("user").agg(pl.len().alias("n")).filter(pl.col("n") >= _LEAST)
    table = (
        pairs.table.join(n, on="user")
        .join(after, on=["user", "topic"], how="left")
        .with_columns(pl.col("k").fill_null(0))
    )
    k, count, base = (table[column].to_numpy().astype(np.float64) for column in ("k", "n", "base"))
    held = (k > count * base).astype(np.float64)
    told = betabinom.sf(np.floor(count * base), count.astype(np.int64), table["a"].to_numpy(), table["b"].to_numpy())
    print(f"prior strength {pairs.model.strength:.0f} touches")
    for low, high in pairwise(_BINS):
        inside = ((table["confidence"] >= low) & (table["confidence"] < high)).to_numpy()
        if not inside.any():
            continue
        users = table["user"].to_numpy()[inside]
        lift = k[inside].sum() / (count * base)[inside].sum()
        mean = table["confidence"].to_numpy()[inside].mean()
        result(
            f"confidence {low:.2f}-{high:.2f} on {name}: mean {mean:.3f},",
            f"above the base {_clustered(held[inside], users, resamples)}, foretold {told[inside].mean():.3f},",
            f"share over base {lift:.2f}, {inside.sum()} interests of {len(set(users))} households",
        )


def prior_likelihood(
    earlier: pl.DataFrame, later: pl.DataFrame, at: datetime, topics: int, settings: NeedsSettings,
    events: pl.DataFrame, products: Products, resamples: int,
) -> None:  # fmt: skip
    """Log-likelihood per household of the later touches, with households shrunk to their segment or to the shop."""
    from engine.profiles import ProfileSettings
    from engine.profiles.making import make

    made = make(events.filter(pl.col("at") < at), products, ProfileSettings(), at)
    pairs = Pairs.of(earlier, at, topics, settings)
    counts = _matrix(pairs.table.select("user", "topic", pl.col("count").alias("value")), topics)
    after = _matrix(later.group_by("user", "topic").agg(pl.len().cast(pl.Float64).alias("value")), topics)
    users = sorted(set(counts) & set(after))
    shop = dict.fromkeys(users, pairs.model.base)
    for number in (4, 8, 16):
        segment = {}
        for group in cluster_segments(made.users, made.vectors, number, settings.seed):
            known = [user for user in group.users if user in counts]
            total = np.sum([counts[user] for user in known], axis=0) if known else np.zeros(topics)
            for user in known:
                # Without the shopper's own touches: the prior may not know them.
                segment[user] = pairs.model.group_prior(np.maximum(total - counts[user], 0.0))
        gain = np.array([
            _log_likelihood(after[user], pairs.model.strength * segment[user] + counts[user])
            - _log_likelihood(after[user], pairs.model.strength * shop[user] + counts[user])
            for user in users
        ])  # fmt: skip
        few = np.array([counts[user].sum() < 10 for user in users])
        result(
            f"prior of {number} segments over the shop's: log-likelihood of the later half a household",
            f"{_mean(gain, resamples)}; with fewer than 10 effective touches {_mean(gain[few], resamples)}",
            f"({few.sum()} of {len(users)})",
        )


def usefulness(
    touched: pl.DataFrame, end: datetime, cuts: Sequence[int], topics: int, settings: NeedsSettings, resamples: int
) -> None:
    """Share of interests whose topic is bought within the horizon, beside topics' rates and popularity."""
    rows: dict[str, list[tuple[str, float]]] = {name: [] for name in ("sure", "rate", "surest", "popular", "intent")}
    for days in cuts:
        at = end - timedelta(days=days)
        span = timedelta(days=settings.horizon_days)
        before, pairs = touched.filter(pl.col("at") < at), Pairs.of(touched, at, topics, settings)
        bought = _bought(touched, at, at + span)
        table = pairs.table.filter(pl.col("events").sum().over("user") >= _LEAST)
        users = table["user"].unique().sort().to_list()
        hits = np.zeros(topics)
        for user in users:
            hits[list(bought.get(user, ()))] += 1
        rate = hits / len(users)
        sure = table.filter(pl.col("confidence") >= SURE).select("user", "topic").iter_rows()
        for user, topic in sure:
            rows["sure"].append((user, float(topic in bought.get(user, ()))))
            rows["rate"].append((user, float(rate[topic])))
        popular = np.argsort(-np.bincount(before["topic"], minlength=topics), kind="stable")[:TOP]
        model = IntentModel.fit(before, at, topics, settings)
        chance = model.predict(features(pairs.table, pairs.model, shop_cycles(pairs.table), at))
        by_intent = _best(pairs.table.with_columns(pl.Series("score", chance)), "score")
        best = pairs.top()
        for user in users:
            got = bought.get(user, set())
            for name, chosen in (("surest", best[user]), ("popular", popular), ("intent", by_intent[user])):
                rows[name].append((user, len(got.intersection(map(int, chosen))) / len(chosen)))
    for name, what in (
        ("sure", f"interests with confidence {SURE} or more, bought within {settings.horizon_days} days"),
        ("rate", "all households' rate of the same topics"),
        ("surest", f"the {TOP} surest interests of each household"),
        ("intent", f"the {TOP} topics with the greatest intent"),
        ("popular", f"the {TOP} most popular topics"),
    ):
        users_, values = (np.array(column) for column in zip(*rows[name], strict=True))
        mean = _clustered(values.astype(np.float64), users_, resamples)
        result(f"bought {name}: {mean} {what}, n {len(values)}")
    users_, own = (np.array(column) for column in zip(*rows["sure"], strict=True))
    lifts = own.astype(np.float64) - np.array([value for _, value in rows["rate"]])
    result(f"bought sure − rate: {_clustered(lifts, users_, resamples)}")
    users_, one = (np.array(column) for column in zip(*rows["intent"], strict=True))
    gain = one.astype(np.float64) - np.array([value for _, value in rows["popular"]])
    result(f"bought intent − popular: {_clustered(gain, users_, resamples)}")


def intent_quality(
    touched: pl.DataFrame, end: datetime, cuts: Sequence[int], topics: int, settings: NeedsSettings, resamples: int
) -> None:
    """AUC and Brier score of the intent of pairs with a touch, beside the topics' own rate; and its calibration."""
    chances, rates, bought, users = [], [], [], []
    for days in cuts:
        at, span = end - timedelta(days=days), timedelta(days=settings.horizon_days)
        before = touched.filter(pl.col("at") < at)
        pairs = Pairs.of(before, at, topics, settings)
        model = IntentModel.fit(before, at, topics, settings)
        past = tallies(before, at - span, settings)
        labels = bought_within(before, past, at - span, at)
        rate = np.bincount(past["topic"], labels, topics) / np.maximum(np.bincount(past["topic"], minlength=topics), 1)
        chance = model.predict(features(pairs.table, pairs.model, shop_cycles(pairs.table), at))
        assert chance is not None, model.reason
        chances.append(chance)
        rates.append(rate[pairs.table["topic"].to_numpy()])
        bought.append(bought_within(touched, pairs.table, at, at + span))
        users.append(pairs.table["user"].to_numpy())
    p, base, y, who = (np.concatenate(part) for part in (chances, rates, bought, users))
    result(
        f"intent AUC {roc_auc_score(y, p):.3f} (topic's rate {roc_auc_score(y, base):.3f}),",
        f"Brier {brier_score_loss(y, p):.4f} (topic's rate {brier_score_loss(y, base):.4f}),",
        f"{len(y)} pairs, {int(y.sum())} bought",
    )
    for low, high in pairwise(_CHANCES):
        inside = (p >= low) & (p < high)
        if inside.sum() >= _LEAST:
            result(
                f"intent {low:.2f}-{high:.2f}: mean {p[inside].mean():.3f},",
                f"bought {_clustered(y[inside], who[inside], resamples)}, n {inside.sum()}",
            )


def discounts(touched: pl.DataFrame, products: Products, till: pl.DataFrame, resamples: int) -> None:
    """Purchases below the usual price against the till's discounts; and whether the index of two halves agrees."""
    model = PriceModel.fit(touched, products)
    rows = model.scored.frame.join(till, on=["user", "item", "day"]).drop_nulls("discounted")
    said, true = rows["discounted"].to_numpy() > 0, rows["off"].to_numpy()
    who = rows["user"].to_numpy()
    result(
        f"discounts: {said.mean():.3f} told, {true.mean():.3f} true;",
        f"precision {_clustered(true[said].astype(float), who[said], resamples)},",
        f"recall {_clustered(said[true].astype(float), who[true], resamples)}, n {len(said)}",
    )
    truth = rows.group_by("user").agg(pl.col("off").mean(), pl.len().alias("n")).filter(pl.col("n") >= 20)
    index = np.array([model.of([user]).index for user in truth["user"]], dtype=np.float64)
    correlation = np.corrcoef(index, truth["off"].to_numpy())[0, 1]
    shuffled = model.scored.frame.sample(fraction=1.0, shuffle=True, seed=0)
    half = pl.int_range(pl.len()).over("user") % 2
    halves = (
        shuffled.with_columns(half.alias("half"))
        .group_by("user", "half")
        .agg(pl.col("score").mean(), pl.len().alias("n"))
    )
    both = halves.filter(pl.col("n") >= 10).pivot("half", index="user", values="score").drop_nulls()
    own = np.corrcoef(both["0"].to_numpy(), both["1"].to_numpy())[0, 1]
    result(
        f"price index: correlation with the till's share of discounts {correlation:.3f}",
        f"({truth.height} households with 20 purchases),",
        f"of two halves of a household's purchases {own:.3f} ({both.height});",
        f"variance between {model.between:.4f}, within {model.within:.4f}",
    )


def result(*parts: str) -> None:
    """Print one line of figures."""
    print("RESULT", *parts, flush=True)


def _jaccard(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other)


def _best(table: pl.DataFrame, score: str) -> dict[str, list[int]]:
    ranked = table.sort("user", score, "topic", descending=[False, True, False])
    best = ranked.group_by("user", maintain_order=True).head(TOP).group_by("user", maintain_order=True).agg("topic")
    return dict(best.iter_rows())


def _bought(touched: pl.DataFrame, since: datetime, until: datetime) -> dict[str, set[int]]:
    rows = touched.filter((pl.col("type") == "purchase") & (pl.col("at") >= since) & (pl.col("at") < until))
    return {user: set(topics) for user, topics in rows.group_by("user").agg(pl.col("topic").unique()).iter_rows()}


def _matrix(rows: pl.DataFrame, topics: int) -> dict[str, NDArray[np.float64]]:
    found: dict[str, NDArray[np.float64]] = {}
    for user, topic, value in rows.iter_rows():
        found.setdefault(user, np.zeros(topics))[topic] = value
    return found


def _log_likelihood(counts: NDArray[np.float64], a: NDArray[np.float64]) -> float:
    """Of counts under a Dirichlet-multinomial, but for the constant of the counts."""
    total = float(gammaln(a.sum()) - gammaln(a.sum() + counts.sum()))
    return total + float((gammaln(a + counts) - gammaln(a)).sum())


def _mean(values: NDArray[np.float64], resamples: int) -> str:
    rng = np.random.default_rng(0)
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(resamples)]
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def _clustered(values: NDArray[np.float64], users: NDArray[np.str_], resamples: int) -> str:
    """Mean over rows, with an interval by resampling households."""
    _, place = np.unique(users, return_inverse=True)
    sums, counts = np.bincount(place, values), np.bincount(place)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=resamples)
    low, high = np.quantile((draws @ sums) / (draws @ counts), (0.025, 0.975))
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"
