"""What came of a request, for whoever answers it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.decision import Decision
from engine.core.decision_block import DecisionBlock
from engine.service.serving import Serving


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """A decision, either by itself or as a row of a block.

    Attributes:
        serving: The campaign that it was made with; a retry gets the campaign as it stands now.
        single: The decision, where it does not stand in a block.
        block: Where it stands.
        row: Its place there.
    """

    serving: Serving
    single: Decision | None
    block: DecisionBlock | None = None
    row: int = 0

    @property
    def decision(self) -> Decision:
        """The decision; made on asking where it stands in a block."""
        if self.single is not None:
            return self.single
        assert self.block is not None
        return self.block[self.row]
