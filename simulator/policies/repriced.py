"""The logging policy with one channel made dearer or cheaper."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray
from simulator.log import HOLD, Log
from simulator.policies.arm_features import arm_cell
from simulator.policies.evaluation_policy import PolicyAnswer
from simulator.policies.logged_probabilities import logged_probabilities

__all__ = ["Repriced", "arms_on_channel"]

_MOST = 50.0


@dataclass(frozen=True, slots=True)
class Repriced:
    """π_λ(a | x) ∝ p(a | x) · exp(λ · 1[a is on the channel]), with p the logged distribution.

    λ > 0 moves probability to the channel, λ < 0 away from it; what is left keeps its proportions, and λ = 0 is the
    logging policy. Among all policies with the same expected sends on the channel it is the one nearest to the log
    (least Kullback–Leibler divergence), so it never plays what the log cannot: where p is 0 it stays 0.

    Source: exponential tilting; Csiszár, "I-divergence geometry of probability distributions" (1975), §3; as a family
    of incremental interventions, Kennedy (2019), eq. 1, with odds multiplied by exp(λ).

    Attributes:
        channel: Whose arms are re-priced.
        strength: λ, in [−50, 50].
    """

    channel: str
    strength: float

    def __post_init__(self) -> None:
        # Written so that NaN is refused.
        if not -_MOST <= self.strength <= _MOST:
            raise InvalidInput(
                f"expected a strength from {-_MOST:g} to {_MOST:g}, got {self.strength:g}; change it", field="--policy"
            )

    @property
    def spec(self) -> str:
        """How the command line names it."""
        return f"repriced:{self.channel}:{self.strength!r}"

    @classmethod
    def parse(cls, argument: str) -> Repriced:
        """Read CHANNEL:STRENGTH.

        Raises:
            InvalidInput: When it is not that.
        """
        channel, _, text = argument.rpartition(":")
        try:
            strength = float(text)
        except ValueError:
            strength = float("nan")
        if not channel or strength != strength:
            raise InvalidInput(
                f"expected repriced:CHANNEL:STRENGTH, got 'repriced:{argument}'; write for example repriced:sms:0.2",
                field="--policy",
            )
        return cls(channel, strength)

    def answer(self, log: Log) -> PolicyAnswer:
        """Tilt each row's logged distribution.

        Raises:
            InvalidInput: When the log has no such channel, or did not keep all probabilities.
        """
        on_channel = arms_on_channel(log, self.channel)[log.eligible]
        tilt = np.exp(self.strength * on_channel - max(self.strength, 0.0))
        tilted = logged_probabilities(log) * tilt
        return PolicyAnswer.everywhere(log, tilted / np.repeat(log.row_sums(tilted), log.lengths))


def arms_on_channel(log: Log, channel: str) -> BoolArray:
    """Say which arms of the log's vocabulary are on a channel, shape (len(log.arms),).

    Raises:
        InvalidInput: When none is.
    """
    channels = ["" if arm == HOLD else arm_cell(log, arm)[0] for arm in log.arms]
    if not channel or channel not in channels:
        known = sorted({*channels} - {""})
        near = get_close_matches(channel, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known) or '(the log names none)'}"
        raise InvalidInput(f"expected a channel of the log, got {channel!r}; {hint}", field="--channel")
    return np.array([name == channel for name in channels])
