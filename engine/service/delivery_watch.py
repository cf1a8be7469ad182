"""What is told of deciding while it happens, for counting and tracing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.core.decision_block import DecisionBlock
from engine.journal import Record
from engine.service.serving import Serving


class DeliveryWatch(Protocol):
    """Told once a block, on the event loop's thread; whatever it does is on the path of requests."""

    def decided(self, block: DecisionBlock, serving: Serving, method: str, queued_s: float, decide_s: float) -> None:
        """A block was drawn and handed to the journal.

        Args:
            block: n ≥ 1 decisions.
            serving: What they were drawn with.
            method: The RPC that asked.
            queued_s: How long its first request waited for its turn.
            decide_s: How long it took to prepare, draw and hand over.
        """
        ...

    def committed(self, records: int, method: str, seconds: float) -> None:
        """Records became durable, so many seconds after they were handed to the journal."""
        ...

    def failed(self, records: int) -> None:
        """Records never became durable."""
        ...

    def reported(self, campaign: str, records: Sequence[Record], repeated: int) -> None:
        """Outcomes and safe answers of one report are durable; `repeated` of the report were on record before."""
        ...


class NoDeliveryWatch:
    """Looks away."""

    def decided(self, block: DecisionBlock, serving: Serving, method: str, queued_s: float, decide_s: float) -> None:
        """See `DeliveryWatch`."""

    def committed(self, records: int, method: str, seconds: float) -> None:
        """See `DeliveryWatch`."""

    def failed(self, records: int) -> None:
        """See `DeliveryWatch`."""

    def reported(self, campaign: str, records: Sequence[Record], repeated: int) -> None:
        """See `DeliveryWatch`."""


class DeliveryWatches:
    """Several, told one after another."""

    def __init__(self, *watches: DeliveryWatch) -> None:
        self._watches = watches

    def decided(self, block: DecisionBlock, serving: Serving, method: str, queued_s: float, decide_s: float) -> None:
        """See `DeliveryWatch`."""
        for watch in self._watches:
            watch.decided(block, serving, method, queued_s, decide_s)

    def committed(self, records: int, method: str, seconds: float) -> None:
        """See `DeliveryWatch`."""
        for watch in self._watches:
            watch.committed(records, method, seconds)

    def failed(self, records: int) -> None:
        """See `DeliveryWatch`."""
        for watch in self._watches:
            watch.failed(records)

    def reported(self, campaign: str, records: Sequence[Record], repeated: int) -> None:
        """See `DeliveryWatch`."""
        for watch in self._watches:
            watch.reported(campaign, records, repeated)
