"""The settings under test: the engine's defaults, or those of a file."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.core.campaign import Publishing
from engine.core.exploration.options import ExplorationOptions
from engine.core.learning import LearningOptions


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """What a campaign may set of how it learns and explores."""

    learning: LearningOptions = field(default_factory=LearningOptions)
    exploration: ExplorationOptions = field(default_factory=ExplorationOptions)
    publishing: Publishing = field(default_factory=Publishing)
