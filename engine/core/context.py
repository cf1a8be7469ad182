"""What is known of a shopper at the moment of deciding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.core.arm import ChannelId
from engine.core.feature import Scalar


@dataclass(frozen=True, slots=True)
class Context:
    """One shopper, now.

    Attributes:
        embedding: Shape (d,), float32, as it will be journalled: learning and serving see the same bits.
        attributes: Flat scalars under the campaign's schema.
        consents: Channels the shopper agreed to; `None` where the caller does not say, which counts as no consent.
    """

    embedding: np.ndarray
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    consents: frozenset[ChannelId] | None = None
