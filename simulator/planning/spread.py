"""What a user's decisions share, and what each adds by its own draw."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.arrays import FloatArray
from simulator.clusters import Clusters

__all__ = ["Spread"]

_SURE = 2.0


@dataclass(frozen=True, slots=True)
class Spread:
    """The sum of squares of users' sums, Σᵤ (Σₜ zᵤₜ)², in two parts.

    `own` is Σ z² over decisions and shrinks, relative to the whole, with every further decision; `shared` is what is
    left, products of two decisions of one user, and shrinks only with further users; each user's decisions are taken to
    come at a rate of his own (mixed Poisson), so that his pairs of decisions grow with the square of their number.
    Kish's effective size and squared standard errors both follow from the two parts.

    Source: variance components of a one-stage cluster sample; Kish, Survey Sampling (1965), §5.4 (the design effect
    1 + (m − 1)ρ is (own + shared) / own).

    Attributes:
        own: At least 0.
        shared: At least 0; products that do not differ from 0 by two standard errors say nothing and count as `own`.
    """

    own: float
    shared: float

    @classmethod
    def of(cls, clusters: Clusters, rows: FloatArray) -> Spread:
        """Take apart row values, shape (n,)."""
        squares = clusters.totals(rows) ** 2
        products = squares - clusters.totals(rows**2)
        whole, shared = float(clusters.multiplicity @ squares), float(clusters.multiplicity @ products)
        if shared <= _SURE * float(clusters.multiplicity @ products**2) ** 0.5:
            shared = 0.0
        return cls(whole - shared, shared)

    @property
    def whole(self) -> float:
        """Both."""
        return self.own + self.shared

    def growth(self, decisions: float, users: float) -> float:
        """Say how many times larger an effective size gets with so many times the decisions, and users.

        >>> Spread(1.0, 1.0).growth(2.0, 2.0), Spread(1.0, 0.0).growth(2.0, 1.0), Spread(0.0, 1.0).growth(2.0, 1.0)
        (2.0, 2.0, 1.0)
        """
        return self.whole / (self.own / decisions + self.shared / users) if self.whole else 1.0
