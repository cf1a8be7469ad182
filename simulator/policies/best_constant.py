"""The best single arm, chosen on some users and judged on others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.arrays import BoolArray, FloatArray
from simulator.log import Log
from simulator.policies.constant import constant_probabilities, fallback_probabilities
from simulator.policies.evaluation_policy import PolicyAnswer

__all__ = ["BestConstant"]

_FEWEST_PLAYS = 30


@dataclass(frozen=True, slots=True, eq=False)
class BestConstant:
    """Picks, on one fold, the arm whose constant policy earns most there, and plays it on the other fold.

    Choosing and judging on the same rows would report the luckiest arm's luck.

    Attributes:
        reward: What is maximised, shape (n,).
        folds: Pairs of masks (rows to choose on, rows to judge on), each of shape (n,).
    """

    reward: FloatArray
    folds: Sequence[tuple[BoolArray, BoolArray]]
    spec: str = "best_constant"

    def answer(self, log: Log) -> PolicyAnswer:
        """Play each fold's choice where it is judged."""
        arm = np.zeros(log.rows, dtype=np.int64)
        judged = np.zeros(log.rows, dtype=bool)
        choices = []
        for choose, judge in self.folds:
            best = self._choose(log, choose)
            arm[judge] = best
            judged |= judge
            choices.append(log.arms[best])
        probabilities, fallback = constant_probabilities(log, arm)
        return PolicyAnswer(probabilities, fallback, judged, notes=(_told(choices),))

    def _choose(self, log: Log, rows: BoolArray) -> int:
        """Value every arm's constant policy at once (self-normalised, fallback included), and take the best."""
        arms, flat = len(log.arms), np.repeat(rows, log.lengths)
        weight = log.count / log.propensity * rows
        stand_in = fallback_probabilities(log)[log.chosen_at] * weight
        spread, eligible = np.repeat(stand_in, log.lengths)[flat], log.eligible[flat]
        reward = np.repeat(self.reward, log.lengths)[flat]

        def value_of(own: FloatArray, total: float, where: FloatArray) -> FloatArray:
            played = np.bincount(log.arm, weights=own, minlength=arms)
            return np.asarray(played + total - np.bincount(eligible, weights=where, minlength=arms), dtype=np.float64)

        rewards = value_of(weight * self.reward, float(stand_in @ self.reward), spread * reward)
        weights = value_of(weight, float(stand_in.sum()), spread)
        plays = np.bincount(log.arm, weights=log.count * rows, minlength=arms)
        enough = plays >= min(_FEWEST_PLAYS, plays.max())
        values = np.where(enough & (weights > 0), rewards / np.where(weights > 0, weights, 1.0), -np.inf)
        return int(np.argmax(values))


def _told(choices: Sequence[str]) -> str:
    if len(choices) == 1:
        return f"best_constant chose {choices[0]} before the split, and is judged after it"
    first, second = choices
    if first == second:
        return f"best_constant chose {first} on either half of the users, each judged on the other half"
    return (
        f"best_constant chose {first} on one half of the users and {second} on the other, each judged on the other half"
    )
