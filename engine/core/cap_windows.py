"""The arithmetic of rolling windows: what a table keeps of a shopper, and when a cap is reached."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.core.frequency_cap import FrequencyCap

TICKS_PER_S = 16
ID_BITS = 24
_ID_MASK = (1 << ID_BITS) - 1


class CapWindows:
    """Caps over one row of `width` items, `most` of them for each cap.

    An item is a send: its time in sixteenths of a second, shifted by 24 bits, and 24 bits of the decision's id. Items
    sort by time, an item that is there is not added twice, and one can be taken out again. A cap is reached when the
    earliest of its items still counts, as all of them do then. Times of sends are rounded up and the present is rounded
    down, so that a window never ends early, and less than an eighth of a second late.

    Attributes:
        caps: m caps.
        spans: (first, end) of each cap's items in the row.
        width: Items of a row.
        longest_s: The longest window, in seconds; 0 without caps.

    Examples:
        >>> windows = CapWindows([FrequencyCap(most=2, within_s=60.0)])
        >>> row = [windows.item(100.0, b"a" * 16), windows.item(110.0, b"b" * 16)]
        >>> windows.reached(row, 159.0), windows.reached(row, 160.0)
        (1, 0)
    """

    def __init__(self, caps: Sequence[FrequencyCap]) -> None:
        self.caps = tuple(caps)
        ends = np.cumsum([cap.most for cap in caps], dtype=np.int64).tolist()
        self.spans = tuple((end - cap.most, end) for cap, end in zip(caps, ends, strict=True))
        self.width = ends[-1] if ends else 0
        self.longest_s = max((cap.within_s for cap in caps), default=0.0)
        self._ticks = [math.ceil(cap.within_s * TICKS_PER_S) for cap in caps]
        self._plan = tuple(
            (*span, ticks, 1 << i) for i, (span, ticks) in enumerate(zip(self.spans, self._ticks, strict=True))
        )

    def item(self, at: float, decision_id: bytes) -> int:
        """A send as an item, always above 0.

        Args:
            at: When it was decided, in seconds since 1970.
            decision_id: At least 3 bytes.
        """
        return max(1, math.ceil(at * TICKS_PER_S)) << ID_BITS | id_bits(decision_id)

    def items(self, at: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """The same for many.

        Args:
            at: Shape (n,), seconds since 1970.
            ids: Shape (n, 16), uint8.

        Returns:
            Shape (n,), int64.
        """
        ticks = np.maximum(1, np.ceil(at * TICKS_PER_S).astype(np.int64))
        low = ids[:, 0].astype(np.int64) | ids[:, 1].astype(np.int64) << 8 | ids[:, 2].astype(np.int64) << 16
        return ticks << ID_BITS | low

    def reached(self, row: Sequence[int], at: float) -> int:
        """Bit i says that cap i allows no further send.

        Args:
            row: `width` items; 0 where there is none.
            at: The present, in seconds since 1970.
        """
        now, bits = math.floor(at * TICKS_PER_S), 0
        for first, end, ticks, bit in self._plan:
            oldest = now - ticks + 1
            if min(row[first:end]) >= (oldest << ID_BITS if oldest > 0 else 1):
                bits |= bit
        return bits

    def reached_rows(self, rows: np.ndarray, at: np.ndarray) -> np.ndarray:
        """The same for many.

        Args:
            rows: Shape (n, width), int64.
            at: Shape (n,), or (1,) for one time of all.

        Returns:
            Shape (n,), int64.
        """
        now, bits = np.floor(at * TICKS_PER_S).astype(np.int64), np.zeros(len(rows), dtype=np.int64)
        for i, (span, ticks) in enumerate(zip(self.spans, self._ticks, strict=True)):
            earliest = rows[:, span[0]].copy()
            for column in range(span[0] + 1, span[1]):
                np.minimum(earliest, rows[:, column], out=earliest)
            bits |= (earliest >= np.maximum(now - ticks + 1 << ID_BITS, 1)).astype(np.int64) << i
        return bits

    def is_past(self, row: Sequence[int], at: float) -> bool:
        """Whether no item of a row counts any longer, for any cap."""
        now = math.floor(at * TICKS_PER_S)
        return all(max(row[first:end]) < max(1, now - ticks + 1) << ID_BITS for first, end, ticks, _ in self._plan)


def id_bits(decision_id: bytes) -> int:
    """The part of a decision's id that items carry."""
    return int.from_bytes(decision_id[:3], "little") & _ID_MASK


def is_item_of(item: int, bits: int) -> bool:
    """Whether an item carries this part of an id."""
    return item & _ID_MASK == bits
