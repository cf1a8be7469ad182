"""What a ledger knows of one holder of one account."""

from __future__ import annotations

from dataclasses import dataclass

from engine.store.ledger.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class Holding:
    """A holder's side of an account.

    Attributes:
        epoch: Grows with every opening; what an earlier opening still asks for is refused.
        number: Number of the last request that was carried out in this epoch.
        granted: All that was ever leased to the holder.
        returned: All that it ever gave back, which may be more where others' sends came back to it.
        checkpoint: The latest; None before the first.
    """

    epoch: int
    number: int
    granted: int
    returned: int
    checkpoint: Checkpoint | None = None

    @property
    def net(self) -> int:
        """Granted and not returned: what the holder has spent or may yet spend."""
        return self.granted - self.returned
