"""From rewards to costs that a learner can take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import FloatArray

__all__ = ["RewardScale"]

_WINSORISED = 0.99


@dataclass(frozen=True, slots=True)
class RewardScale:
    """Rewards from `low` to `high` become costs from 1 to 0; what lies outside is cut off.

    Labels are costs less the cost of a reward of 0: most decisions have no outcome, and with a label of 0 they leave a
    fresh model where it is. Rules that look at differences of costs (all of Vowpal Wabbit's but the bounds of RegCB)
    do not see the shift.

    Attributes:
        low: Rewards below are taken as this.
        high: Rewards above are taken as this.
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise InvalidInput(
                f"expected finite low < high, got {self.low} and {self.high}; state --reward-max", field="reward_scale"
            )

    @classmethod
    def of(cls, rewards: FloatArray, reward_max: float | None = None) -> RewardScale:
        """Choose the scale: [0, 1] for what happens or not, the declared cap for money, else a robust guess.

        The guess is the 99th percentile of the rewards above 0, and the 1st of those below: one huge basket must not
        press all others together. It is only the unit of learning; values are estimated from the rewards themselves.

        Args:
            rewards: Of some decisions, shape (n,).
            reward_max: What `--reward-max` declares.
        """
        above, below = rewards[rewards > 0], rewards[rewards < 0]
        if not below.size and not (above != 1.0).any():
            return cls()
        high = reward_max or (float(np.quantile(above, _WINSORISED)) if above.size else 0.0)
        return cls(float(np.quantile(below, 1 - _WINSORISED)) if below.size else 0.0, high)

    def labels(self, rewards: FloatArray) -> FloatArray:
        """Give each reward's cost less that of no reward, shape (n,)."""
        return self._cost(rewards) - float(self._cost(np.zeros(1))[0])

    @property
    def label_range(self) -> tuple[float, float]:
        """Smallest and largest label."""
        low, high = self.labels(np.array([self.high, self.low])).tolist()
        return low, high

    def _cost(self, rewards: FloatArray) -> FloatArray:
        return np.asarray((self.high - np.clip(rewards, self.low, self.high)) / (self.high - self.low))
