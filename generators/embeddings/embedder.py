"""The one verb of everything that turns copy into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Embedder(Protocol):
    """Turns texts into vectors of unit length; equal texts give equal vectors."""

    @property
    def name(self) -> str:
        """Name that changes whenever the vectors do: vectors of different names are not comparable."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def languages(self) -> frozenset[str]:
        """Languages whose texts it can tell apart."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors, shape (n, dimension)."""
