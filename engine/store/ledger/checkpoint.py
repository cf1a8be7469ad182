"""What a holder had spent at a place of its journal chain."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from engine.core.errors import CorruptState
from engine.core.prices import Prices


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything before the place is counted in `spent`; what lies behind it is counted from the journal.

    Attributes:
        spent: Taken less given back, in minor currency units or sends; below 0 where others' sends came back here.
        segment: Segment of the chain.
        offset: Bytes into it.
        prices: What decisions behind the place took.
        closed: Nothing was taken behind the place until the holder is opened again.
    """

    spent: int
    segment: int
    offset: int
    prices: Prices
    closed: bool = False

    def dumps(self) -> str:
        """As JSON."""
        prices = [dict(self.prices.charge), dict(self.prices.refund)]
        return json.dumps([self.spent, self.segment, self.offset, prices, self.closed], separators=(",", ":"))

    @classmethod
    def loads(cls, text: str) -> Checkpoint:
        """Read what `dumps` wrote.

        Raises:
            CorruptState: If it is anything else.
        """
        try:
            fields: Any = json.loads(text)
            spent, segment, offset, (charge, refund), closed = fields
            return cls(int(spent), int(segment), int(offset), Prices(dict(charge), dict(refund)), bool(closed))
        except (ValueError, TypeError):
            raise CorruptState("ledger: expected a checkpoint; restore the ledger from a copy") from None
