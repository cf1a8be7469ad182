"""Which arms each cap is about, and which of them are left out once caps are reached."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.core.catalogue import Catalogue
from engine.core.frequency_cap import FrequencyCap

REASONS = ("campaign_cap", "channel_cap", "shop_cap")


class CappedArms:
    """Caps of a campaign and of the shop, over one catalogue. `hold` is never capped.

    Bits stand for caps: the campaign's in their order, then the shop's.

    Attributes:
        reasons: Why an arm is left out; `codes` gives 1 + the index.
        masks: Shape (k,), int64: the caps that a send of each arm counts for; 0 for `hold`.
    """

    reasons = REASONS

    def __init__(self, catalogue: Catalogue, campaign: Sequence[FrequencyCap], shop: Sequence[FrequencyCap]) -> None:
        channels = [None if arm is None else arm.channel for arm in catalogue.arms]
        self._about: list[np.ndarray] = []
        self._reason: list[int] = []
        self.masks = np.zeros(len(channels), dtype=np.int64)
        for i, cap in enumerate((*campaign, *shop)):
            about = np.array([c is not None and cap.channel in (None, c) for c in channels], dtype=bool)
            self.masks |= about.astype(np.int64) << i
            self._about.append(about)
            self._reason.append(3 if i >= len(campaign) else 1 if cap.channel is None else 2)
        self._codes: dict[int, np.ndarray | None] = {0: None}

    def codes(self, bits: int) -> np.ndarray | None:
        """Which arms are left out while some caps are reached; the first cap gives the reason.

        Args:
            bits: The caps that are reached.

        Returns:
            Shape (k,), uint8, not to be changed: 0 where the arm may be sent, else 1 + the index of its reason; None
            where every arm may.
        """
        try:
            return self._codes[bits]
        except KeyError:
            codes = self._codes[bits] = self._made(bits)
            return codes

    def _made(self, bits: int) -> np.ndarray | None:
        codes = np.zeros(len(self.masks), dtype=np.uint8)
        for i, (about, reason) in enumerate(zip(self._about, self._reason, strict=True)):
            if bits >> i & 1:
                codes[about & (codes == 0)] = reason
        codes.flags.writeable = False
        return codes if codes.any() else None
