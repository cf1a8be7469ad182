"""What a join counted on its way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class JoinTally:
    """Counts of records by what became of them; every record that teaches nothing is in one of them.

    Attributes:
        decisions: Decisions that matured.
        outcomes: Outcomes credited to a decision in time for training.
        duplicate_decisions: Decision records whose id had been seen.
        duplicate_outcomes: Outcome records whose id had been seen.
        outside_outcomes: Outcomes that happened before the decision they name, or after the horizon of their type.
        late_outcomes: Outcomes of a decision that had already matured: reports change, the model does not.
        unclaimed_outcomes: User-keyed outcomes that no decision could claim in time.
        rejected: Records that went to the dead letters.
    """

    decisions: int = 0
    outcomes: int = 0
    duplicate_decisions: int = 0
    duplicate_outcomes: int = 0
    outside_outcomes: int = 0
    late_outcomes: int = 0
    unclaimed_outcomes: int = 0
    rejected: int = 0
