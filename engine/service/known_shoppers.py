"""The embedding of a shopper whom a request names without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.core.context import Context
from engine.core.context_columns import ContextColumns
from engine.core.errors import InvalidInput
from engine.core.schema import Schema


class ShopperVectors(Protocol):
    """Vectors by pseudonym."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def embedding(self, user: str) -> NDArray[np.float32] | None:
        """A shopper's vector, shape (d,); None for a stranger."""

    def embeddings(self, users: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Vectors of many, zeros for strangers, shape (n, d); and who is known, shape (n,)."""


class KnownShoppers:
    """Fills in what a request leaves out; one that brings an embedding keeps it.

    A stranger gets zeros: what is known of them is that nothing is known. What was filled in is journalled like an
    embedding that came with the request, so that learning and replay see what the decision saw, whatever profiles say
    by then.
    """

    def __init__(self, vectors: ShopperVectors | None = None) -> None:
        """Take the profiles; without them every request must bring its embedding."""
        self._vectors = vectors

    def filled(self, context: Context, schema: Schema, user: str) -> Context:
        """Return the context with an embedding of the schema's dimension, if it came with none.

        Raises:
            InvalidInput: If profiles have another dimension than the campaign.
        """
        if len(context.embedding) or not schema.dimension or self._vectors is None:
            return context
        self._check(schema)
        found = self._vectors.embedding(user)
        return replace(context, embedding=np.zeros(schema.dimension, np.float32) if found is None else found)

    def filled_columns(self, contexts: ContextColumns, schema: Schema, users: Sequence[str]) -> ContextColumns:
        """The same for all shoppers of a batch that came without embeddings.

        Raises:
            InvalidInput: If there are no profiles, or they have another dimension than the campaign.
        """
        if contexts.embeddings.shape[1] or not schema.dimension:
            return contexts
        if self._vectors is None:
            message = (
                f"expected little-endian float32 of shape ({len(contexts)}, {schema.dimension}), got none; the server"
                " has no profiles (settings, [profiles]) to take them from"
            )
            raise InvalidInput(message, field="embeddings")
        self._check(schema)
        return replace(contexts, embeddings=self._vectors.embeddings(users)[0])

    def _check(self, schema: Schema) -> None:
        if self._vectors is not None and self._vectors.dimension != schema.dimension:
            message = (
                f"the campaign has {schema.dimension} dimensions and the profiles have {self._vectors.dimension}; send"
                " an embedding, or build profiles with --dimension"
            )
            raise InvalidInput(message, field="embedding")
