"""No frequency caps, at no cost."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np

from engine.core.capped_arms import REASONS
from engine.core.exclusions import Exclusions
from engine.store.tables import NullLock


class NoFrequency:
    """A campaign without caps, in a shop without caps."""

    active = False
    reasons: tuple[str, ...] = REASONS
    lock: AbstractContextManager[None] = NullLock()

    def rounds(self, users: Sequence[str]) -> Sequence[Sequence[int]]:
        """All rows in one round."""
        return (range(len(users)),)

    def blocked(self, users: Sequence[str], at: Sequence[float] | np.ndarray) -> list[int]:  # noqa: ARG002 - of the protocol
        """No caps are reached."""
        return [0] * len(users)

    def codes(self, bits: int) -> None:  # noqa: ARG002 - of the protocol
        """No arm is left out."""
        return

    def narrowed(self, excluded: Exclusions, bits: int) -> Exclusions:  # noqa: ARG002 - of the protocol
        """Nothing more is left out."""
        return excluded

    def count(
        self,
        users: Sequence[str],  # noqa: ARG002
        columns: Sequence[int] | np.ndarray,  # noqa: ARG002
        at: Sequence[float] | np.ndarray,  # noqa: ARG002
        ids: Sequence[bytes],  # noqa: ARG002
    ) -> list[int]:
        """Count nothing."""
        return []

    def give_back(self, user: str, decision_id: bytes, at: float | None = None) -> None:
        """Nothing is counted."""
