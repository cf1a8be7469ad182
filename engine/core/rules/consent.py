"""No message on a channel that the shopper did not agree to."""

from __future__ import annotations

import numpy as np

from engine.core.catalogue import Catalogue
from engine.core.rules.rule import Inquiry


class Consent:
    """Excludes channels that need consent and have none; a caller who does not say has no consent."""

    reasons = ("no_consent",)

    def __init__(self, catalogue: Catalogue) -> None:
        self._masks = {
            channel.id: np.array(
                [arm is not None and arm.channel == channel.id for arm in catalogue.arms], dtype=np.uint8
            )
            for channel in catalogue.channels
            if channel.needs_consent
        }
        self._needed = frozenset(self._masks)

    def key(self, inquiry: Inquiry) -> frozenset[str] | None:
        """See `Rule`."""
        given = inquiry.context.consents
        return None if not given else self._needed.intersection(given)

    def excluded(self, inquiry: Inquiry) -> np.ndarray | None:
        """See `Rule`."""
        given = inquiry.context.consents or frozenset()
        missing = [mask for channel, mask in self._masks.items() if channel not in given]
        return np.bitwise_or.reduce(missing) if missing else None
