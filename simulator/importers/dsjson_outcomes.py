"""Rewards of a decision service as outcomes of a decision log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simulator.importers.dsjson_event import Observation
from simulator.importers.json_source import JsonLine

__all__ = ["NO_REWARD", "RewardSurvey", "outcomes_of"]

#: What a reader should know where rewards are more than 0 and 1.
NO_REWARD = "negative ones a refund, so that the metric revenue is the mean reward; name another with --outcome"
_SUBTRACTED = ("refund", "cost")


class RewardSurvey:
    """Sees every reward once, to tell what they are.

    Attributes:
        unequal: Decisions whose observations do not sum to the reward of their label.
    """

    def __init__(self) -> None:
        self.unequal = 0
        self._zero_or_one = True

    def see(self, line: JsonLine, observed: Iterable[Observation]) -> None:
        """Take the observations of one line into account."""
        bare = [seen.value for seen in observed if seen.value is not None and seen.kind is None]
        self._zero_or_one &= all(value in (0.0, 1.0) for value in bare)
        label = line.fields.get("_original_label_cost", line.fields.get("_label_cost"))
        if bare and isinstance(label, int | float) and abs(sum(bare) + label) > 1e-6 * max(1.0, abs(label)):
            self.unequal += 1

    @property
    def outcome(self) -> str:
        """Type of a bare reward: of types other than money a replay only counts that they occurred."""
        return "click" if self._zero_or_one else "purchase"


def outcomes_of(observed: Iterable[tuple[Observation, int]], bare: str, path: str) -> list[dict[str, Any]]:
    """Turn rewards into outcomes; a reward of 0 is none.

    Args:
        observed: Observations, each with its line.
        bare: Outcome type of a bare number. As a cost or refund, it is minus the reward.
        path: The source, for errors.

    Raises:
        UnusableLog: When a reward has the wrong sign for its type.
    """
    made = (_outcome(observation, bare, JsonLine(path, line, {})) for observation, line in observed)
    return [outcome for outcome in made if outcome is not None]


def _outcome(observation: Observation, bare: str, line: JsonLine) -> dict[str, Any] | None:
    if not observation.value:
        return None
    kind, value = observation.kind or bare, observation.value
    if observation.kind is None and kind in _SUBTRACTED:
        value = -value
    if observation.kind is None and kind == "purchase" and value < 0.0:
        kind, value = "refund", -value
    if value < 0.0 and kind in (*_SUBTRACTED, "click"):
        remedy = "correct the line" if observation.kind else "name another type with --outcome, such as purchase"
        line.refuse("v", f"rewards that can be a {kind}", observation.value, remedy)
    outcome: dict[str, Any] = {"type": kind, "value": value}
    return outcome if observation.at is None else {**outcome, "at": observation.at}
