"""Which arms of a catalogue were left out of a decision, and why, without a dictionary of ten thousand ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import compress

import numpy as np

from engine.core.arm import ArmId


class Exclusions(Mapping[ArmId, str]):
    """Arm id → reason, over the columns of a catalogue.

    Decisions about ten thousand arms share a few of these, so what is derived is kept.

    Attributes:
        ids: Arm ids in catalogue order.
        codes: Shape (k,), uint8; 0 where the arm is eligible, else 1 + index into `reasons`.
        reasons: What the codes stand for; not all of them need occur.
    """

    def __init__(self, ids: Sequence[ArmId], codes: np.ndarray, reasons: Sequence[str]) -> None:
        self.ids = ids
        self.codes = codes
        self.reasons = tuple(reasons)

    @classmethod
    def all_but_hold(cls, ids: Sequence[ArmId], reason: str) -> Exclusions:
        """Every arm left out for one reason, but for `hold`, which is arm 0."""
        codes = np.ones(len(ids), dtype=np.uint8)
        codes[0] = 0
        return cls(ids, codes, (reason,))

    @cached_property
    def columns(self) -> np.ndarray:
        """Columns of the eligible arms."""
        return np.flatnonzero(self.codes == 0)

    @cached_property
    def eligible(self) -> tuple[ArmId, ...]:
        """Ids of the eligible arms, in catalogue order."""
        return tuple(compress(self.ids, (self.codes == 0).tolist()))

    @cached_property
    def packed(self) -> tuple[tuple[str, ...], bytes]:
        """The reasons that occur, in order of their first arm, and bitmaps over the catalogue.

        First the bitmap of the eligible arms, then one for each of these reasons; bit i of byte j stands for
        column 8·j + i.
        """
        found, first = np.unique(self.codes, return_index=True)
        order = [code for _, code in sorted(zip(first.tolist(), found.tolist(), strict=True)) if code]
        masks = self.codes == np.array([0, *order], dtype=np.uint8)[:, None]
        return tuple(self.reasons[code - 1] for code in order), np.packbits(masks, axis=1, bitorder="little").tobytes()

    @cached_property
    def _of(self) -> dict[ArmId, str]:
        left_out = np.flatnonzero(self.codes)
        return {
            self.ids[i]: self.reasons[code - 1]
            for i, code in zip(left_out.tolist(), self.codes[left_out].tolist(), strict=True)
        }

    def __getitem__(self, arm_id: ArmId) -> str:
        return self._of[arm_id]

    def __iter__(self) -> Iterator[ArmId]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self.codes) - len(self.columns)

    def __repr__(self) -> str:
        return f"Exclusions({self._of!r})"
