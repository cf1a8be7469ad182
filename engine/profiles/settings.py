"""What a profile is made with."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.core.errors import ConfigError
from engine.profiles.event_type import EventType

_WEIGHTS = {EventType.VIEW: 0.2, EventType.SEARCH: 0.4, EventType.CART: 0.6, EventType.PURCHASE: 1.0}
METHODS = ("als", "svd")


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """How events become a vector. The defaults are what `profiles evaluate --tune` chose; see docs/profiles.md.

    Attributes:
        dimension: Of a profile's vector, content and factors together.
        content_dimension: How many of them are content; 0 leaves content out, `dimension` leaves factors out.
        content_share: Share of content in the cosine of two vectors, in [0, 1]: it is share · cosine of contents +
            (1 − share) · cosine of factors, for whom both are known.
        half_life_days: An event counts half as much after so many days.
        weights: What an event of each type counts when it is new.
        method: `als`, or `svd` of the matrix divided by the square roots of the items' popularity.
        alpha: Confidence in an event of weight w is α · log(1 + w) (ALS only).
        regularization: Of ALS.
        iterations: Of ALS.
        sharpness: How far the cosine moves a ranking away from popularity: score = log(1 + shoppers of the item) +
            sharpness · cosine.
        novel_sharpness: The same where what the shopper knows is left out; habits no longer help there.
        repeat: How far it moves towards what the shopper had to do with before: + repeat · log(1 + how often).
        seed: Of everything that begins at random.
    """

    dimension: int = 64
    content_dimension: int = 32
    content_share: float = 0.2
    half_life_days: float = 90.0
    weights: Mapping[EventType, float] = field(default_factory=lambda: dict(_WEIGHTS))
    method: str = "als"
    alpha: float = 5.0
    regularization: float = 10.0
    iterations: int = 15
    sharpness: float = 3.0
    novel_sharpness: float = 1.5
    repeat: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        checks = (
            ("dimension", 2 <= self.dimension <= 4096, "2 to 4096"),
            ("content_dimension", 0 <= self.content_dimension <= self.dimension, f"0 to {self.dimension}"),
            ("content_share", 0.0 <= self.content_share <= 1.0, "a share from 0 to 1"),
            ("half_life_days", self.half_life_days > 0.0, "days above 0"),
            ("method", self.method in METHODS, " or ".join(METHODS)),
            ("alpha", self.alpha > 0.0, "a number above 0"),
            ("regularization", self.regularization >= 0.0, "0 or more"),
            ("iterations", 1 <= self.iterations <= 1000, "1 to 1000"),
            ("sharpness", self.sharpness >= 0.0, "0 or more"),
            ("novel_sharpness", self.novel_sharpness >= 0.0, "0 or more"),
            ("repeat", self.repeat >= 0.0, "0 or more"),
        )
        for name, holds, expected in checks:
            if not holds:
                raise ConfigError(f"expected {expected}, got {getattr(self, name)}", field=name)
        if any(not 0.0 <= self.weights.get(kind, 0.0) <= 1e3 for kind in EventType) or not any(self.weights.values()):
            raise ConfigError("expected weights from 0 to 1000, one above 0", field="weights")

    @property
    def factors(self) -> int:
        """How many dimensions are collaborative factors."""
        return self.dimension - self.content_dimension

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        document = dataclasses.asdict(self)
        return document | {"weights": {kind.value: weight for kind, weight in self.weights.items()}}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ProfileSettings:
        """Read what `to_json` wrote.

        Raises:
            TypeError: If a field is foreign.
            ConfigError: If a value is out of range.
        """
        weights = {EventType(kind): float(weight) for kind, weight in document["weights"].items()}
        return cls(**{**document, "weights": weights})
