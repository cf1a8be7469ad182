"""A model at a publish point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from engine.core.feature import Feature
from engine.journal import Positions


@dataclass(frozen=True, slots=True)
class Trained:
    """What there is to publish.

    Attributes:
        model: The model's bytes.
        learned: Decisions learned.
        positions: How far the journal was read.
        matured_at: Maturity of the last decision learned: the model knows nothing that was recorded later.
        features: Arm features beside those of the present catalogue.
    """

    model: bytes
    learned: int
    positions: Positions
    matured_at: datetime
    features: Sequence[tuple[Feature, ...]] = field(default=(), repr=False)
