"""The contexts of many shoppers, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from engine.core.arm import ChannelId
from engine.core.context import Context
from engine.core.feature import Scalar


@dataclass(frozen=True, slots=True, eq=False)
class ContextColumns(Sequence[Context]):
    """n contexts; reading one makes its `Context`.

    Attributes:
        embeddings: Shape (n, d), float32.
        attributes: n mappings.
        consents: n sets of channels; shoppers who agreed to the same ones share a set.
    """

    embeddings: np.ndarray
    attributes: Sequence[Mapping[str, Scalar]]
    consents: Sequence[frozenset[ChannelId] | None]

    def __len__(self) -> int:
        return len(self.attributes)

    @overload
    def __getitem__(self, index: int) -> Context: ...

    @overload
    def __getitem__(self, index: slice) -> list[Context]: ...

    def __getitem__(self, index: int | slice) -> Context | list[Context]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return Context(self.embeddings[index], self.attributes[index], self.consents[index])
