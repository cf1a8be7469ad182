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
    """Picks, on one fold, the arm whose constant policy surely earns most there, and plays it on the other fold.

    Choosing and judging on the same rows would report the luckiest arm's luck. Choosing by value alone would pick the
    luckiest arm too, one that a single click under a small propensity makes look best; so arms are compared by their
    value less one standard error.

    Source: Swaminathan and Joachims (2015), "Counterfactual Risk Minimization", for choosing by a lower bound; the
    standard error of a self-normalised estimate is Owen's (2013), "Monte Carlo theory, methods and examples", eq. 9.9.

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
        """Bound every arm's constant policy at once (self-normalised, fallback included), and take the best."""
        arms, flat = len(log.arms), np.repeat(rows, log.lengths)
        weight = rows / log.propensity
        stand_in = fallback_probabilities(log)[log.chosen_at] * weight
        eligible = log.eligible[flat]

        def total(power: int, times: FloatArray) -> FloatArray:
            """Σ count · weight^power · times for each arm: its plays, and the fallback where it was not eligible."""
            own, instead = log.count * weight**power * times, log.count * stand_in**power * times
            where = np.bincount(eligible, weights=np.repeat(instead, log.lengths)[flat], minlength=arms)
            played = np.bincount(log.arm, weights=own, minlength=arms)
            return np.asarray(played + instead.sum() - where, dtype=np.float64)

        ones, reward = np.ones(log.rows), self.reward
        weights = total(1, ones)
        plays = np.bincount(log.arm, weights=log.count * rows, minlength=arms)
        usable = (plays >= min(_FEWEST_PLAYS, plays.max())) & (weights > 0)
        scale = np.where(usable, weights, 1.0)
        value = total(1, reward) / scale
        squares = total(2, reward**2) - 2 * value * total(2, reward) + value**2 * total(2, ones)
        bound = value - np.sqrt(np.maximum(squares, 0.0)) / scale
        return int(np.argmax(np.where(usable, bound, -np.inf)))


def _told(choices: Sequence[str]) -> str:
    if len(choices) == 1:
        return f"best_constant chose {choices[0]} before the split, and is judged after it"
    first, second = choices
    if first == second:
        return f"best_constant chose {first} on either half of the users, each judged on the other half"
    return (
        f"best_constant chose {first} on one half of the users and {second} on the other, each judged on the other half"
    )
