"""Only approved copy is sent."""

from __future__ import annotations

import numpy as np

from engine.core.catalogue import Catalogue
from engine.core.rules.rule import Inquiry
from engine.core.variant import VariantState


class VariantStates:
    """Excludes draft, paused and killed variants."""

    reasons = ("variant_draft", "variant_paused", "variant_killed")

    def __init__(self, catalogue: Catalogue) -> None:
        code = {
            VariantState.APPROVED: 0,
            VariantState.DRAFT: 1,
            VariantState.PAUSED: 2,
            VariantState.KILLED: 3,
        }
        variants = [catalogue.variant(i) for i in range(len(catalogue))]
        self._codes = np.array([0 if v is None else code[v.state] for v in variants], dtype=np.uint8)
        self._any = bool(self._codes.any())

    def key(self, inquiry: Inquiry) -> None:  # noqa: ARG002
        """See `Rule`; states change with the campaign only."""
        return

    def excluded(self, inquiry: Inquiry) -> np.ndarray | None:  # noqa: ARG002
        """See `Rule`."""
        return self._codes if self._any else None
