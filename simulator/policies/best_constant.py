"""The best single arm, chosen on some users and judged on others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from simulator.arrays import BoolArray, FloatArray
from simulator.log import Log
from simulator.policies.constant import constant_probabilities, fallback_probabilities
from simulator.policies.evaluation_policy import PolicyAnswer

__all__ = ["BestConstant"]

_FEWEST_PLAYS = 30


class BestConstant:
    """Picks, on one fold, the arm whose constant policy surely earns most there, and plays it on the other fold.

    Choosing and judging on the same rows would report the luckiest arm's luck. Choosing by value alone would pick the
    luckiest arm too, one that a single click under a small propensity makes look best; so arms are compared by their
    value less one standard error.

    Source: Swaminathan and Joachims (2015), "Counterfactual Risk Minimization", for choosing by a lower bound; the
    standard error of a self-normalised estimate is Owen's (2013), "Monte Carlo theory, methods and examples", eq. 9.9.

    Args:
        reward_of: What is maximised, for the rows of a chunk, shape (n,).
        folds: Pairs of masks over all rows (rows to choose on, rows to judge on).
    """

    spec = "best_constant"

    def __init__(self, reward_of: Callable[[Log], FloatArray], folds: Sequence[tuple[BoolArray, BoolArray]]) -> None:
        self._reward_of, self._folds = reward_of, folds
        self._sums = [_ConstantSums() for _ in folds]
        self._best: list[int] = []

    def observe(self, log: Log) -> None:
        """Add up every arm's constant policy on the rows that choose."""
        reward, stand_in = self._reward_of(log), fallback_probabilities(log)[log.chosen_at]
        for sums, (choose, _) in zip(self._sums, self._folds, strict=True):
            sums.add(log, choose[log.place], reward, stand_in)

    def settle(self) -> tuple[str, ...]:
        """Choose for each fold."""
        self._best = [sums.best() for sums in self._sums]
        names = [sums.arms[best] for sums, best in zip(self._sums, self._best, strict=True)]
        return (_told(names),)

    def answer(self, log: Log) -> PolicyAnswer:
        """Play each fold's choice where it is judged."""
        arm = np.zeros(log.rows, dtype=np.int64)
        for best, (_, judge) in zip(self._best, self._folds, strict=True):
            arm[judge[log.place]] = best
        return PolicyAnswer(*constant_probabilities(log, arm))


class _ConstantSums:
    """Sums over rows for each arm's constant policy (self-normalised, fallback included)."""

    def __init__(self) -> None:
        self.arms: tuple[str, ...] = ()
        self._sums: dict[str, FloatArray] = {}

    def add(self, log: Log, rows: BoolArray, reward: FloatArray, stand_in: FloatArray) -> None:
        self.arms = log.arms
        weight, flat = rows / log.propensity, np.repeat(rows, log.lengths)
        eligible, instead = log.eligible[flat], stand_in * weight

        def total(power: int, times: FloatArray) -> FloatArray:
            """Σ count · weight^power · times for each arm: its plays, and the fallback where it was not eligible."""
            played = np.bincount(log.arm, weights=log.count * weight**power * times, minlength=len(log.arms))
            else_where = log.count * instead**power * times
            if not else_where.any():
                return played.astype(np.float64)
            where = np.bincount(eligible, weights=np.repeat(else_where, log.lengths)[flat], minlength=len(log.arms))
            return np.asarray(played + else_where.sum() - where, dtype=np.float64)

        ones = np.ones(log.rows)
        for name, sums in {
            "plays": np.bincount(log.arm, weights=log.count * rows, minlength=len(log.arms)),
            "weights": total(1, ones),
            "rewards": total(1, reward),
            "squares": total(2, reward**2),
            "crosses": total(2, reward),
            "weight_squares": total(2, ones),
        }.items():
            self._sums[name] = np.asarray(self._sums[name] + sums if name in self._sums else sums, dtype=np.float64)

    def best(self) -> int:
        """Bound every arm's constant policy at once, and take the best."""
        sums = self._sums
        plays, weights = sums["plays"], sums["weights"]
        usable = (plays >= min(_FEWEST_PLAYS, plays.max())) & (weights > 0)
        scale = np.where(usable, weights, 1.0)
        value = sums["rewards"] / scale
        squares = sums["squares"] - 2 * value * sums["crosses"] + value**2 * sums["weight_squares"]
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
