"""What a learner did with the decisions that matured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class LearningTally:
    """Counts of matured decisions by what became of them.

    Attributes:
        learned: Taught to the model.
        single_arm: Had one eligible arm, so there was nothing to choose between.
        other_modes: Holdout, shadow and forced decisions, which no policy drew.
        dead_letters: Could not be learned; the dead-letter file says why.
    """

    learned: int = 0
    single_arm: int = 0
    other_modes: int = 0
    dead_letters: int = 0
