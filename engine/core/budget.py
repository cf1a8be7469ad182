"""What a campaign's sends may cost in all."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.errors import InvalidInput

LARGEST_QUANTITY = 1 << 53
"""Above it, a ledger that counts in doubles, as Redis scripts do, would no longer be exact."""


def checked_quantity(value: int, field: str) -> int:
    """Return `value` if it can be an amount, a price or a stock.

    Raises:
        InvalidInput: If it is below 0 or above 2⁵³.

    Examples:
        >>> checked_quantity(250, "budget.amount_minor")
        250
    """
    if not 0 <= value <= LARGEST_QUANTITY:
        raise InvalidInput(f"expected 0 to 2**53, got {value}", field=field)
    return value


@dataclass(frozen=True, slots=True)
class Budget:
    """A campaign's money. What has been spent is in the ledger, so the amount may be raised or lowered at any time.

    Attributes:
        amount_minor: All that may be spent, in minor currency units (cents).
        chunk_minor: How much of it a worker takes at a time, which is also the most that a worker leaves unspent;
            0 lets the engine choose.
    """

    amount_minor: int
    chunk_minor: int = 0

    def __post_init__(self) -> None:
        checked_quantity(self.amount_minor, "amount_minor")
        checked_quantity(self.chunk_minor, "chunk_minor")
