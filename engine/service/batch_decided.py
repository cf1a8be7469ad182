"""What came of a batch, for whoever answers it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from engine.core.decision import Decision
from engine.service.serving import Serving


@dataclass(frozen=True, slots=True, eq=False)
class BatchDecided:
    """Decisions in the order of the batch's users.

    Attributes:
        serving: The campaign that they were made with.
        decisions: n decisions; a `DecisionBlock`, unless they were made before.
        durable: Done once they may be told of.
    """

    serving: Serving
    decisions: Sequence[Decision]
    durable: asyncio.Future[None]
