"""How sure it is that a shopper cares more for a topic than the shop's shoppers do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import gammaln
from scipy.stats import beta


@dataclass(frozen=True, slots=True)
class ShareModel:
    """A Dirichlet prior over topics, learned from all shoppers of the shop.

    A shopper's shares of the topics are drawn from Dirichlet(strength · base); given them, touches are multinomial.
    Recency weights are turned into an effective number of touches, (Σw)² / Σw² (Kish), so that old touches count less
    and unequal ones do not count as more than they tell.

    Attributes:
        base: The shop's share of each topic, over effective touches; shape (k,), sums to 1.
        strength: Touches that the prior is worth: the greatest likelihood over all shoppers.
        shoppers: How many it was learned from.

    Source: Minka (2000), Estimating a Dirichlet distribution, the Dirichlet-multinomial likelihood; Kish (1965),
    Survey Sampling, for the effective number.
    """

    base: NDArray[np.float64]
    strength: float
    shoppers: int

    @classmethod
    def fit(cls, tallied: pl.DataFrame, topics: int) -> ShareModel:
        """Learn base shares and strength.

        Args:
            tallied: See `tallies`.
            topics: How many there are.
        """
        counts = effective(tallied)
        sums = counts.group_by("topic", maintain_order=True).agg(pl.col("count").sum()).sort("topic")
        base = np.full(topics, 0.5)
        base[sums["topic"].to_numpy()] += sums["count"].to_numpy()
        base /= base.sum()
        k = counts["count"].to_numpy()
        b = base[counts["topic"].to_numpy()]
        n = counts.group_by("user", maintain_order=True).agg(pl.col("total").first())["total"].to_numpy()

        def loss(log_strength: float) -> float:
            a = np.exp(log_strength)
            per_user = gammaln(a) - gammaln(a + n)
            per_pair = gammaln(a * b + k) - gammaln(a * b)
            return -float(per_user.sum() + per_pair.sum())

        if not len(n):
            return cls(base, 1.0, 0)
        found = minimize_scalar(loss, bounds=(np.log(0.1), np.log(1e4)), method="bounded")
        return cls(base, float(np.exp(found.x)), len(n))

    def posterior(
        self,
        topics: NDArray[np.int64],
        counts: NDArray[np.float64],
        total: float | NDArray[np.float64],
        prior: NDArray[np.float64] | None = None,
    ) -> Posterior:
        """Of some topics of one shopper.

        Args:
            topics: Which; shape (m,).
            counts: Effective touches in each; shape (m,).
            total: Effective touches in all topics; of the shopper, or of each row's. Shape () or (m,).
            prior: Mean of the prior, such as the shares of the shopper's segment; the shop's by default. Shape (k,),
                or (m, k) for rows of several shoppers.
        """
        mean = self.base if prior is None else prior
        own = mean[topics] if mean.ndim == 1 else mean[np.arange(len(topics)), topics]
        a = self.strength * own + counts
        b = self.strength * (1.0 - own) + (total - counts)
        base = self.base[topics]
        return Posterior(a / (a + b), beta.ppf(0.05, a, b), beta.ppf(0.95, a, b), beta.sf(base, a, b), base)

    def group_prior(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of the prior of a group's shoppers: its shares, shrunk to the shop's like those of one shopper.

        Args:
            counts: Effective touches of all its shoppers in each topic, shape (k,).
        """
        return np.asarray((self.strength * self.base + counts) / (self.strength + counts.sum()))


@dataclass(frozen=True, slots=True)
class Posterior:
    """Marginals of the Dirichlet posterior; all of shape (m,).

    Attributes:
        share: Mean.
        low: 5 % quantile.
        high: 95 % quantile.
        confidence: P(share > the shop's base share | the shopper's touches).
        base: The shop's base share.
    """

    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    confidence: NDArray[np.float64]
    base: NDArray[np.float64]


def effective(tallied: pl.DataFrame) -> pl.DataFrame:
    """Add columns `total` (effective touches of the shopper) and `count` (of them in the topic)."""
    weight, weight_2 = pl.col("weight").sum().over("user"), pl.col("weight_2").sum().over("user")
    total = weight**2 / weight_2
    return tallied.with_columns(total.alias("total"), (pl.col("weight") / weight * total).alias("count"))
