"""What needs are made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from engine.core.errors import ConfigError

_WEIGHTS = {"view": 0.2, "search": 0.4, "cart": 0.6, "purchase": 1.0}


@dataclass(frozen=True, slots=True)
class NeedsSettings:
    """How events become needs.

    Attributes:
        weights: What a new event of each type counts.
        half_life_days: An event counts half as much after so many days.
        topics: How many clusters of products; 0 chooses by the silhouette.
        recent_days: What is recent, for trends and stages.
        horizon_days: What purchase intent is about: a purchase within so many days.
        least_confidence: Interests below it are not told.
        most_interests: At most so many are told.
        most_evidence: At most so many events are told for each.
        time_zone: IANA zone of hours and days.
        seed: Of everything that begins at random.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: dict(_WEIGHTS))
    half_life_days: float = 120.0
    topics: int = 0
    recent_days: int = 45
    horizon_days: int = 30
    least_confidence: float = 0.8
    most_interests: int = 8
    most_evidence: int = 3
    time_zone: str = "UTC"
    seed: int = 0

    def __post_init__(self) -> None:
        checks = (
            ("half_life_days", self.half_life_days > 0, "days above 0"),
            ("topics", self.topics == 0 or 2 <= self.topics <= 1000, "0, or 2 to 1000"),
            ("recent_days", self.recent_days >= 1, "at least 1 day"),
            ("horizon_days", self.horizon_days >= 1, "at least 1 day"),
            ("least_confidence", 0.0 <= self.least_confidence < 1.0, "a probability from 0 to below 1"),
            ("most_interests", self.most_interests >= 1, "at least 1"),
            ("most_evidence", self.most_evidence >= 1, "at least 1"),
        )
        for name, holds, expected in checks:
            if not holds:
                raise ConfigError(f"expected {expected}, got {getattr(self, name)}", field=name)
        if set(self.weights) != set(_WEIGHTS) or any(not 0.0 <= weight <= 1e3 for weight in self.weights.values()):
            raise ConfigError(f"expected weights of {', '.join(_WEIGHTS)}, each from 0 to 1000", field="weights")
        try:
            ZoneInfo(self.time_zone)
        except (ValueError, OSError, KeyError):
            message = f"expected an IANA time zone such as Asia/Shanghai, got {self.time_zone!r}"
            raise ConfigError(message, field="time_zone") from None
