"""A log line a decision, for those who want to follow single ones."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from engine.core.decision_block import DecisionBlock
from engine.core.drawing import SCALE
from engine.journal import Record
from engine.service.delivery_watch import NoDeliveryWatch
from engine.service.serving import Serving

log = logging.getLogger("engine.decisions")


class DecisionLog(NoDeliveryWatch):
    """A `DeliveryWatch` that writes ids and what was drawn; nothing of the shopper."""

    def decided(self, block: DecisionBlock, serving: Serving, method: str, queued_s: float, decide_s: float) -> None:  # noqa: ARG002
        """See `DeliveryWatch`."""
        for i, id in enumerate(block.ids):
            log.info(
                "decided",
                extra={
                    "campaign": block.campaign,
                    "decision_id": id.hex(),
                    "mode": str(block.modes[i]),
                    "arm": str(block.catalogue.ids[block.columns[i]]),
                    "propensity": int(block.chosen[i]) / SCALE,
                    "snapshot": block.snapshot_of(i),
                },
            )

    def reported(self, campaign: str, records: Sequence[Record], repeated: int) -> None:  # noqa: ARG002
        """See `DeliveryWatch`."""
        for record in records:
            decision_id = getattr(record, "decision_id", "")
            if decision_id:
                log.info("outcome", extra={"campaign": campaign, "decision_id": decision_id})
