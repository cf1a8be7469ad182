"""Joins the scores of a brief's candidates into one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import InvalidInput
from generators.candidate import Candidate
from generators.ranking.scorer import Scorer

# What a score counts against the others, in standard deviations among the candidates of a brief. Quality and fit count
# half: on kinds of broken copy that it was not trained on, the quality head is little better than chance
# (docs/texts-and-feedback.md), and n-grams see words in common, not sense.
WEIGHTS: Mapping[str, float] = {"fluency": 1.0, "quality": 0.5, "fit": 0.5, "ctr": 1.0}


class Ranker:
    """Standardises each score within the brief and adds them by weight.

    Raw scores have units of their own (nats, cosines, rates), so that only their standing among the candidates of one
    brief can be added. A score that a candidate lacks counts as average.
    """

    def __init__(self, scorers: Sequence[Scorer] = (), weights: Mapping[str, float] | None = None) -> None:
        """Choose the scorers.

        Args:
            scorers: Each with a name of its own.
            weights: Name → weight, at least 0; `WEIGHTS` unless given.

        Raises:
            InvalidInput: A scorer has no weight, a weight is negative, or all are 0.
        """
        self._scorers = tuple(scorers)
        self._weights = dict(WEIGHTS if weights is None else weights)
        for scorer in self._scorers:
            if not self._weights.get(scorer.name, -1.0) >= 0:
                message = f"expected a weight of at least 0, got {self._weights.get(scorer.name)}"
                raise InvalidInput(message, field=f"weights.{scorer.name}")
        if self._scorers and not sum(self._weights[scorer.name] for scorer in self._scorers):
            raise InvalidInput("expected at least one weight above 0", field="weights")

    @property
    def versions(self) -> dict[str, str]:
        """Scorer → what made its numbers, for provenance."""
        return {scorer.name: scorer.version for scorer in self._scorers}

    def scores(self, candidates: Sequence[Candidate]) -> dict[str, NDArray[np.float64]]:
        """Return name → raw scores, shape (n,) each; NaN where a scorer cannot judge."""
        return {scorer.name: scorer.score(candidates) for scorer in self._scorers}

    def totals(self, scores: Mapping[str, NDArray[np.float64]], n: int) -> NDArray[np.float64]:
        """Return the weighted mean of standardised scores, shape (n,); 0 is an average candidate among these."""
        totals = np.zeros(n)
        for name, column in scores.items():
            totals += self._weights[name] * _standardised(column)
        return totals / (sum(self._weights[name] for name in scores) or 1.0)


def _standardised(column: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(column)
    if not known.any():
        return np.zeros_like(column)
    centre, spread = column[known].mean(), column[known].std()
    # Rounding leaves a spread of its own where all are equal; blown up to a standard deviation it would decide.
    if spread <= 1e-9 * max(1.0, abs(centre)):
        return np.zeros_like(column)
    return np.where(known, (column - centre) / spread, 0.0)
