"""What a set of rules leaves of a catalogue, shared by all decisions that have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.core.arm import ArmId


@dataclass(frozen=True, slots=True, eq=False)
class EligibleSet:
    """Which arms may be drawn, and why the others may not. Most shoppers of a campaign share a few of these.

    Attributes:
        mask: Shape (k,), bool, over the catalogue; `hold` is always in it.
        codes: Shape (k,), uint8: 0 where eligible, else 1 + index into `reasons`.
        reasons: Every reason that a rule of the campaign may give.
        columns: The eligible columns, ascending.
        ids: Their arm ids.
        excluded: Arm id → reason, of the rest.
        floor: Shape (k,), float64: what the exploration floor alone gives each arm.
        fragments: Encoded parts of records that depend on the set alone, as the journal makes them.
    """

    mask: np.ndarray
    codes: np.ndarray
    reasons: tuple[str, ...]
    columns: np.ndarray
    ids: tuple[ArmId, ...]
    excluded: Mapping[ArmId, str]
    floor: np.ndarray
    fragments: dict[object, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, codes: np.ndarray, reasons: tuple[str, ...], arms: tuple[ArmId, ...], floor: np.ndarray) -> EligibleSet:
        """Make the set that `codes` say."""
        mask = codes == 0
        columns = np.flatnonzero(mask)
        return cls(
            mask,
            codes,
            reasons,
            columns,
            tuple(arms[i] for i in columns.tolist()),
            {arms[i]: reasons[codes[i] - 1] for i in np.flatnonzero(codes).tolist()},
            floor,
        )
