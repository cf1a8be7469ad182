"""Which candidates of one brief become its variants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from generators.candidate import Candidate
from generators.ranking import Diversity, Ranker


class Selection:
    """Picks one candidate after the other; what was picked before decides what is still new.

    Attributes:
        said: Hooks, and whole copy, of what was picked.
        alike: Candidates left out because another one says nearly the same.
    """

    def __init__(self, ranker: Ranker, diversity: Diversity, candidates: Sequence[Candidate]) -> None:
        """Score what there is to choose from, at once: a score says how a candidate stands among its brief's own."""
        self._ranker, self._diversity = ranker, diversity
        self._scores = ranker.scores(candidates)
        self._totals = ranker.totals(self._scores, len(candidates))
        self._vectors = diversity.embed([candidate.text for candidate in candidates])
        self._place = {id(candidate): i for i, candidate in enumerate(candidates)}
        # Held, so that no other object can take the identity of one that is gone.
        self._pool = candidates
        self._picked: list[Candidate] = []
        self._picked_vectors = self._vectors[:0]
        self.said: set[str] = set()
        self.alike = 0

    def pick(self, candidates: Sequence[Candidate]) -> bool:
        """Pick the best of some candidates that says something new; False where none does."""
        fresh = [candidate for candidate in candidates if not self.said & _marks(candidate)]
        if not fresh:
            return False
        vectors = self._vectors_of(fresh)
        totals = np.array([self._total(candidate) for candidate in fresh])
        best = self._diversity.best(totals, vectors, self._picked_vectors)
        if best is None:
            self.alike += len(fresh)
            return False
        self._picked.append(fresh[best])
        self._picked_vectors = np.concatenate([self._picked_vectors, vectors[best : best + 1]])
        self.said |= _marks(fresh[best])
        return True

    def best(self) -> list[tuple[Candidate, dict[str, float]]]:
        """Return what was picked with its scores, the highest total first; equals stay as they were numbered."""
        scores = self._scores_of_picked()
        totals = self._ranker.totals(scores, len(self._picked))
        order = sorted(range(len(self._picked)), key=lambda i: (-totals[i], self._picked[i].request.index))
        named = {**scores, "total": totals}
        return [
            (self._picked[i], {name: float(column[i]) for name, column in named.items() if np.isfinite(column[i])})
            for i in order
        ]

    def _scores_of_picked(self) -> dict[str, NDArray[np.float64]]:
        """Return the picked ones' raw scores; only those that came from outside the pool are judged now."""
        outside = [candidate for candidate in self._picked if id(candidate) not in self._place]
        new = self._ranker.scores(outside) if outside else {}
        rows = iter(range(len(outside)))
        sources = [
            (self._scores, self._place[id(candidate)]) if id(candidate) in self._place else (new, next(rows))
            for candidate in self._picked
        ]
        return {name: np.array([parts[name][row] for parts, row in sources]) for name in self._scores}

    def _vectors_of(self, candidates: Sequence[Candidate]) -> NDArray[np.float32]:
        if all(id(candidate) in self._place for candidate in candidates):
            return self._vectors[[self._place[id(candidate)] for candidate in candidates]]
        return self._diversity.embed([candidate.text for candidate in candidates])

    def _total(self, candidate: Candidate) -> float:
        place = self._place.get(id(candidate))
        return 0.0 if place is None else float(self._totals[place])


def _marks(candidate: Candidate) -> set[str]:
    """Return what may not be said twice: the hook, and the finished strings."""
    return {candidate.text, "\x00".join(text for _, _, text in candidate.draft.strings())}
