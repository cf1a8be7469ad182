"""One thing that runs out: a campaign's money, or a variant's stock."""

from __future__ import annotations

from dataclasses import dataclass

_SHARE = 50
_SENDS = 10


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit as a ledger and its holders need it.

    Attributes:
        id: `budget`, or `stock:` and the variant.
        amount: All that may be spent, in minor currency units or sends.
        chunk: The most that one holder has leased and not spent.
        largest: What the dearest send takes of it.
    """

    id: str
    amount: int
    chunk: int
    largest: int

    @property
    def low(self) -> int:
        """With less than this left, the next chunk is leased: half a chunk, or one send where that is more."""
        return max(self.chunk // 2, self.largest)

    @property
    def full(self) -> int:
        """What a holder keeps when it gives back what came in above a chunk."""
        return max(self.chunk - self.chunk // 4, self.largest)

    @classmethod
    def of(cls, id: str, amount: int, chunk: int, largest: int) -> Limit:
        """A limit; a chunk of 0 becomes a fiftieth of the amount, or ten sends where that is more.

        Examples:
            >>> Limit.of("budget", 100_000, 0, 3).chunk, Limit.of("budget", 100, 0, 3).chunk
            (2000, 30)
        """
        return cls(id, amount, max(chunk or amount // _SHARE, largest, 0 if chunk else _SENDS * largest), largest)
