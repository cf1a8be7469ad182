"""Whether users fall into groups in the shares that were configured, looked at as often as one likes."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, lgamma, log

from engine.core.errors import InvalidInput

CONCENTRATION = 1_000.0
"""Of the mixture around the configured shares: most power against shifts of about √(p (1 − p) / 1,000)."""


class ShareTest:
    """A mixture sequential probability ratio test of multinomial shares.

    Under the configured shares the evidence is a non-negative martingale that begins at 1, so the probability that it
    *ever* reaches 1 / level is at most `level`, at whatever moments one looks. It depends on the counts alone; their
    order and the number of workers that counted make no difference.

    Assumes independent units: count distinct users, not their decisions.

    Attributes:
        level: Largest probability of a false alarm over the whole life of a stream of users.

    Source: Lindon and Malek (2022), "Anytime-valid inference for multinomial count data", equation 5: a Dirichlet
    mixture over the alternative, centred on the null.

    Examples:
        >>> test = ShareTest((0.05, 0.95), level=0.001)
        >>> test.rejects((500, 9_500)), test.rejects((400, 9_600))
        (False, True)
    """

    def __init__(self, shares: Sequence[float], level: float, concentration: float = CONCENTRATION) -> None:
        """Set the null.

        Args:
            shares: What was configured; they sum to 1, and may hold zeros.
            level: In (0, 1).
            concentration: Above 0; larger looks for smaller shifts, later.

        Raises:
            InvalidInput: If the shares or the level are none.
        """
        if min(shares) < 0.0 or abs(sum(shares) - 1.0) > 1e-9:
            raise InvalidInput("expected numbers from 0 that sum to 1", field="shares")
        if not 0.0 < level < 1.0:
            raise InvalidInput(f"expected a number between 0 and 1, got {level}", field="level")
        self.level = level
        self._shares = tuple(shares)
        self._concentration = concentration

    def log_evidence(self, counts: Sequence[int]) -> float:
        """Logarithm of the evidence against the configured shares; infinite for a unit in a group of share 0.

        Args:
            counts: Units so far, one count a group.
        """
        total = self._concentration
        evidence = lgamma(total) - lgamma(total + sum(counts))
        for count, share in zip(counts, self._shares, strict=True):
            if share > 0.0:
                prior = total * share
                evidence += lgamma(prior + count) - lgamma(prior) - count * log(share)
            elif count:
                return inf
        return evidence

    def rejects(self, counts: Sequence[int]) -> bool:
        """Whether the evidence reaches 1 / level."""
        return self.log_evidence(counts) >= -log(self.level)
