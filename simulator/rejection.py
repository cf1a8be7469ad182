"""Accepts logged rows as if the policy had played them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray, FloatArray, IntArray
from simulator.keyed_hash import hash_strings, mix, uniform
from simulator.log import Log

__all__ = ["Rejection", "acceptance_draws", "indivisible", "largest_ratio"]


class Rejection:
    """Rejection replay in one pass over a log's chunks.

    The rule: row i is accepted if uᵢ < wᵢ / M, with wᵢ = π(aᵢ | xᵢ) / pᵢ, uᵢ a number in [0, 1) that a keyed hash
    gives the row (`acceptance_draws`), and M the largest ratio π(a | x) / p(a | x) over all rows and eligible arms, or
    a bound that is declared beforehand. Given its context a row then carries arm a with chance p · π / (p M) = π / M:
    accepted rows have arms as π plays them, and contexts as they come. With eligible sets of varying size or
    propensities that drift, M is one number for all, so that no context is accepted more often than another: a policy
    that plays one arm accepts, of its matches among k equally likely arms, the share k / M. Where the log is uniform
    over one fixed set and π deterministic, every ratio is 0 or M, and the rule is Li et al.'s: accept what matches.

    M becomes known only at the end. So a chunk's row stays a candidate while it would be accepted under the M of the
    rows so far, and is thinned out when M grows: the result is the same for any chunks in any order. About n / M
    candidates are kept, their quantities beside them.

    A row that stands for several decisions accepts each by itself: their number is binomial, read off uᵢ.

    Source: Li, Chu, Langford and Wang (2011), algorithm 2; von Neumann (1951) for rejection sampling.
    """

    def __init__(self, columns: Sequence[str], bound: float | None = None) -> None:
        """Begin with no rows.

        Args:
            columns: Names of the row values that are kept of candidates.
            bound: M, where it is declared; ratios above it are counted (`exceeded`) and accepted always.

        Raises:
            InvalidInput: If the bound is not positive.
        """
        if bound is not None and not bound > 0.0:
            raise InvalidInput(f"expected a largest weight above 0, got {bound:g}", field="bound")
        self._declared = bound
        self._ratio = 0.0
        self._decisions = 0
        self._exceeded = 0
        self._kept: dict[str, FloatArray] = {name: np.zeros(0) for name in ("weight", "draw", "count", *columns)}
        self._bucket: IntArray = np.zeros(0, dtype=np.int64)

    @property
    def bound(self) -> float:
        """M: the declared one, or the largest ratio so far."""
        return self._ratio if self._declared is None else self._declared

    @property
    def exceeded(self) -> int:
        """Decisions whose ratio is above a declared bound; above 0 the estimate is biased by them."""
        return self._exceeded

    def add(
        self,
        weight: FloatArray,
        largest: float,
        draw: FloatArray,
        count: IntArray,
        bucket: IntArray,
        columns: Mapping[str, FloatArray],
    ) -> None:
        """Take the rows of one chunk; n rows.

        Args:
            weight: π(aᵢ | xᵢ) / pᵢ, shape (n,).
            largest: Largest known ratio of the chunk (`largest_ratio`).
            draw: Of each row, in [0, 1), shape (n,).
            count: How many decisions each row stands for, shape (n,).
            bucket: Which users each row is summed with, shape (n,).
            columns: Values of each row, each of shape (n,).
        """
        self._decisions += int(count.sum())
        self._exceeded += int(count[weight > self.bound].sum()) if self._declared is not None else 0
        before, self._ratio = self.bound, max(self._ratio, largest, float(weight.max(initial=0.0)))
        if self.bound > before:
            self._keep(_any_accepted(self._kept["weight"], self._kept["draw"], self._kept["count"], self.bound))
        rows = _any_accepted(weight, draw, count.astype(np.float64), self.bound)
        fresh = {"weight": weight, "draw": draw, "count": count.astype(np.float64), **columns}
        self._kept = {name: np.concatenate((kept, fresh[name][rows])) for name, kept in self._kept.items()}
        self._bucket = np.concatenate((self._bucket, bucket[rows]))

    def _keep(self, rows: BoolArray) -> None:
        self._kept = {name: kept[rows] for name, kept in self._kept.items()}
        self._bucket = self._bucket[rows]

    @property
    def accepted(self) -> FloatArray:
        """Share of each candidate's decisions that is accepted, 1 where a row is one decision, shape (c,)."""
        return _accepted(self._kept["weight"], self._kept["draw"], self._kept["count"], self.bound)

    @property
    def bucket(self) -> IntArray:
        """Bucket of each candidate, shape (c,)."""
        return self._bucket

    def column(self, name: str) -> FloatArray:
        """A value of each candidate, shape (c,)."""
        return self._kept[name]

    @property
    def decisions(self) -> float:
        """How many decisions are accepted."""
        return float(self.accepted @ self._kept["count"])

    @property
    def share(self) -> float:
        """Share of all decisions that is accepted; 0 of an empty log."""
        return self.decisions / self._decisions if self._decisions else 0.0


def acceptance_draws(log: Log, seed: int) -> FloatArray:
    """Give every row a number in [0, 1) by a hash of its decision id, its part and the seed, shape (n,)."""
    label = hash_strings([str(name) for name in log.decision_ids], f"rejection:{seed}")
    return uniform(mix(label ^ mix(log.part.astype(np.uint64))))


def largest_ratio(log: Log, probabilities: FloatArray) -> float:
    """Give the largest π(a | x) / p(a | x) over the rows and their eligible arms, as far as the log states p.

    Arms with p = 0 that the policy plays have no ratio: no log without them can stand for it (`unsupported_mass`).

    Args:
        log: The decisions.
        probabilities: π(a | xᵢ) aligned with `log.eligible`, shape (m,).
    """
    logged = log.probabilities.copy()
    logged[log.chosen_at] = log.propensity
    # NaN, where none was kept, is not above 0 either.
    known = logged > 0.0
    return float((probabilities[known] / logged[known]).max(initial=0.0))


def indivisible(log: Log) -> str | None:
    """Say why rejection replay cannot judge a log, or None where it can.

    Of decisions in one row that belong to independent users some are accepted and some are not, but sums by user give
    them all the same share, and an interval from them would be too narrow.
    """
    several = int(((log.user < 0) & (log.count > 1)).sum())
    if not several:
        return None
    return f"rejection replay accepts decision by decision, and {several} rows without a user stand for several"


def _accepted(weight: FloatArray, draw: FloatArray, count: FloatArray, bound: float) -> FloatArray:
    chance = np.minimum(weight / bound, 1.0) if bound > 0.0 else np.zeros_like(weight)
    accepted = (draw < chance).astype(np.float64)
    several = (count > 1) & (chance > 0.0)
    if several.any():
        from scipy.stats import binom

        # The quantile of 1 − u, so that one decision is accepted just when u is under its chance.
        accepted[several] = binom.ppf(1.0 - draw[several], count[several], chance[several]) / count[several]
    return accepted


def _any_accepted(weight: FloatArray, draw: FloatArray, count: FloatArray, bound: float) -> BoolArray:
    return _accepted(weight, draw, count, bound) > 0.0
