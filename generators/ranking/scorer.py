"""The one verb of everything that judges candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from generators.candidate import Candidate


class Scorer(Protocol):
    """Gives each candidate a number, the higher the better; candidates of one brief are compared with each other."""

    @property
    def name(self) -> str:
        """What the number is, in provenance: `fluency`, `fit`, `quality` or `ctr`."""

    @property
    def version(self) -> str:
        """What made the number; numbers of different versions are not comparable."""

    def score(self, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
        """Return one number a candidate, shape (n,); NaN where it cannot be judged."""
