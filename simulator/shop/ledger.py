"""Keeps, for every decision, what was truly to be had and what was got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from simulator.arrays import BoolArray, FloatArray, IntArray
from simulator.shop.shop import Shop

__all__ = ["Ledger"]


@dataclass(slots=True, eq=False)
class Ledger:
    """True values of what was chosen and of what could have been; n decisions.

    Attributes:
        shop: Knows the truth.
        arm: Shape (n,), column chosen; −1 before it is decided.
        mode: n modes.
        chosen: Shape (n,), expected reward of the chosen arm.
        uniform: Shape (n,), mean expected reward of the eligible arms.
        oracle: Shape (n,), expected reward of the best eligible arm.
        realised: Shape (n,), the reward that came of it, reports after the horizon left out.
        fixed: Shape (k,), summed expected reward of playing each arm wherever it is eligible and `hold` elsewhere.
    """

    shop: Shop
    arm: IntArray = field(init=False)
    mode: list[str] = field(init=False)
    chosen: FloatArray = field(init=False)
    uniform: FloatArray = field(init=False)
    oracle: FloatArray = field(init=False)
    realised: FloatArray = field(init=False)
    fixed: FloatArray = field(init=False)
    _consents: BoolArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        n = self.shop.scenario.decisions
        self.arm = np.full(n, -1, dtype=np.int64)
        self.mode = [""] * n
        self.chosen, self.uniform, self.oracle, self.realised = (np.zeros(n) for _ in range(4))
        self.fixed = np.zeros(len(self.shop.catalogue))
        self._consents = np.zeros((n, len(self.shop.scenario.channels)), dtype=bool)

    def decided(self, decisions: IntArray, consents: BoolArray, arms: IntArray, modes: Sequence[str]) -> None:
        """Take down a batch.

        Args:
            decisions: Shape (b,), positions in the stream.
            consents: Shape (b, channels), as of then.
            arms: Shape (b,), columns chosen.
            modes: b modes.
        """
        expected = self.shop.expected(decisions)
        eligible = self._eligible(consents)
        self.arm[decisions] = arms
        self.chosen[decisions] = expected[np.arange(len(arms)), arms]
        self.uniform[decisions] = (expected * eligible).sum(axis=1) / eligible.sum(axis=1)
        self.oracle[decisions] = np.where(eligible, expected, -np.inf).max(axis=1)
        self.fixed += np.where(eligible, expected, expected[:, :1]).sum(axis=0)
        self._consents[decisions] = consents
        for decision, mode in zip(decisions, modes, strict=True):
            self.mode[decision] = mode

    def earned(self, decision: int, reward: float) -> None:
        """Add what came of a decision."""
        self.realised[decision] += reward

    def best_fixed(self) -> tuple[str, FloatArray]:
        """The arm that would have earned most if always played, and its expected reward per decision, shape (n,)."""
        arm = int(self.fixed.argmax())
        result = np.zeros(len(self.arm))
        for part in np.array_split(np.arange(len(self.arm)), max(1, len(self.arm) // 4096)):
            expected = self.shop.expected(part)
            eligible = self._eligible(self._consents[part])[:, arm]
            result[part] = np.where(eligible, expected[:, arm], expected[:, 0])
        return str(self.shop.catalogue.ids[arm]), result

    def rows(self, *modes: str) -> BoolArray:
        """Which decisions were made in one of the modes. Shape (n,)."""
        return np.array([mode in modes for mode in self.mode])

    def _eligible(self, consents: BoolArray) -> BoolArray:
        eligible = consents[:, self.shop.truth.channel]
        eligible[:, 0] = True
        return eligible
