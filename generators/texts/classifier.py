"""An encoder with a head: texts in, probabilities of labels out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import InvalidInput
from generators.embeddings import Embedder
from generators.texts.fitting import fit_head
from generators.texts.head import LogisticHead


class Classifier(Protocol):
    """What has labels and gives their probabilities, a head on frozen vectors or a whole encoder."""

    @property
    def name(self) -> str:
        """Name that changes with the encoder."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the columns."""

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give P(label | text), shape (n, k)."""


@dataclass(frozen=True, slots=True, eq=False)
class TextClassifier:
    """A head on the frozen vectors of an embedder."""

    embedder: Embedder
    head: LogisticHead

    def __post_init__(self) -> None:
        if self.embedder.dimension != self.head.dimension:
            message = f"expected vectors of length {self.head.dimension}, got {self.embedder.name}'s"
            raise InvalidInput(
                f"{message} {self.embedder.dimension}; use the encoder it was trained on", field="encoder"
            )

    @classmethod
    def trained(
        cls,
        embedder: Embedder,
        texts: Sequence[str],
        targets: NDArray[Any],
        labels: Sequence[str],
        *,
        several: bool = False,
        groups: Sequence[Hashable] | None = None,
        seed: int = 0,
    ) -> TextClassifier:
        """Train a head; see `fit_head`."""
        head = fit_head(embedder.embed(texts), targets, labels, several=several, groups=groups, seed=seed)
        return cls(embedder, head)

    @property
    def name(self) -> str:
        """Name of the encoder below."""
        return f"head-{self.embedder.name}"

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.head.labels

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give P(label | text), shape (n, k)."""
        return self.head.probabilities(self.embedder.embed(texts))
