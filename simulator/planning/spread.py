"""What a user's decisions share, and what each adds by its own draw."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.arrays import FloatArray
from simulator.clusters import Clusters

__all__ = ["Spread"]


@dataclass(frozen=True, slots=True)
class Spread:
    """The sum of squares of users' sums, Σᵤ (Σₜ zᵤₜ)², in two parts.

    `own` is Σ z² over decisions and shrinks, relative to the whole, with every further decision; `shared` is what is
    left, products of two decisions of one user, and shrinks only with further users. Kish's effective size and squared
    standard errors are both proportional to it, so both follow from the two parts.

    Source: variance components of a one-stage cluster sample; Kish, Survey Sampling (1965), §5.4 (the design effect
    1 + (m − 1)ρ is (own + shared) / own).

    Attributes:
        own: At least 0.
        shared: At least 0; a negative estimate, which is noise, is cut off.
    """

    own: float
    shared: float

    @classmethod
    def of(cls, clusters: Clusters, rows: FloatArray) -> Spread:
        """Take apart row values, shape (n,)."""
        whole = float(clusters.multiplicity @ clusters.totals(rows) ** 2)
        own = min(whole, float(clusters.multiplicity @ clusters.totals(rows**2)))
        return cls(own, whole - own)

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
