"""What a set of rules leaves of a catalogue, shared by all decisions that have it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.core.arm import ArmId
from engine.core.exclusions import Exclusions


@dataclass(frozen=True, slots=True, eq=False)
class EligibleSet:
    """Which arms may be drawn, and why the others may not. Most shoppers of a campaign share a few of these.

    Attributes:
        mask: Shape (k,), bool, over the catalogue; `hold` is always in it.
        columns: The eligible columns, ascending.
        ids: Their arm ids.
        excluded: Arm id → reason, of the rest.
        floor: Shape (k,), float64: what the exploration floor alone gives each arm.
        fragments: Encoded parts of records that depend on the set alone, as the journal makes them.
    """

    mask: np.ndarray
    columns: np.ndarray
    ids: tuple[ArmId, ...]
    excluded: Exclusions
    floor: np.ndarray
    fragments: dict[object, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, excluded: Exclusions, floor: np.ndarray) -> EligibleSet:
        """What some exclusions leave."""
        return cls(excluded.codes == 0, excluded.columns, excluded.eligible, excluded, floor)
