"""An explanation, as the client returns it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.core.decision import Mode
from engine.core.drawing import reproduce
from engine.core.errors import InvalidInput
from engine.service.requests import Candidate


@dataclass(frozen=True, slots=True)
class Draw:
    """A draw that was made.

    Attributes:
        decision_id: Whose draw it was.
        arm: The drawn arm.
        seed: 63-bit integer.
        counts: Probabilities in units of 2⁻²⁴, in the order of the candidates; empty where they were not kept.
    """

    decision_id: str
    arm: str
    seed: int
    counts: tuple[int, ...]

    def repeat(self) -> int:
        """Draw again: the index of the drawn candidate.

        Raises:
            InvalidInput: If the probabilities were not kept.
        """
        if not self.counts:
            raise InvalidInput("expected all probabilities; records of many eligible arms keep one", field="counts")
        return reproduce(np.array(self.counts, dtype=np.int64), self.seed)


@dataclass(frozen=True, slots=True)
class Explained:
    """Why an arm would be, or was, chosen.

    Attributes:
        mode: How the decision comes about.
        snapshot: The model; empty without one.
        policy: Name and parameters of the policy that is drawn from.
        candidates: The eligible arms.
        excluded: Arm id → reason.
        draw: The draw, of a decision that was made.
    """

    mode: Mode
    snapshot: str
    policy: str
    candidates: tuple[Candidate, ...]
    excluded: Mapping[str, str]
    draw: Draw | None = None
