"""What a policy that learns from the log is to learn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from simulator.arrays import FloatArray
from simulator.horizons import Horizons
from simulator.log import Log
from simulator.metric import HOLD_PREFIX, Metric
from simulator.outcome_kinds import outcome_kinds
from simulator.quantities import Quantities
from simulator.reward_scale import RewardScale

__all__ = ["LearningTask"]


@dataclass(frozen=True, slots=True)
class LearningTask:
    """A reward, when it is complete, and how large it gets.

    Attributes:
        name: Of the metric or objective, for messages.
        reward_of: Gives the reward of each row of a log, shape (n,), from the outcomes that the log has.
        kinds: Outcome types that the reward is made of.
        horizons: How long their outcomes count.
        scale: Turns rewards into costs.
    """

    name: str
    reward_of: Callable[[Log], FloatArray]
    kinds: Collection[str]
    horizons: Horizons = field(default_factory=Horizons)
    scale: RewardScale = field(default_factory=RewardScale)

    @classmethod
    def of(
        cls,
        metric: Metric,
        *,
        objective: Mapping[str, float],
        horizons: Horizons,
        reward_max: float | None,
        sample: Log,
    ) -> LearningTask:
        """Learn a metric: of a ratio its numerator, without what the policy that always holds would earn.

        Args:
            metric: What is learned.
            objective: Outcome type → worth, where the metric is the objective.
            horizons: How long outcomes count.
            reward_max: What `--reward-max` declares.
            sample: Decisions to take the scale of money from, where it is not declared; any part of the log will do.
        """
        own = {name: factor for name, factor in metric.numerator.items() if not name.startswith(HOLD_PREFIX)}

        def reward_of(log: Log) -> FloatArray:
            quantities = Quantities(log, objective, reward_max)
            rewards = np.zeros(log.rows)
            for name, factor in own.items():
                rewards += factor * quantities[name]
            return rewards

        task = cls(metric.key, reward_of, outcome_kinds(own, objective), horizons)
        return replace(task, scale=RewardScale.of(reward_of(sample), reward_max))
