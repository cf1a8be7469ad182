"""Lets policies that may always hold answer where holding was not to be had."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.log import HOLD, Log
from simulator.policies.evaluation_policy import EvaluationPolicy, PolicyAnswer

__all__ = ["HoldAdded"]


class HoldAdded:
    """Shows a policy each row with `hold` among its eligible arms, and answers given that it does not hold.

    Models of a campaign are always allowed to hold; logs of other makers often know no such arm. There, a policy's
    distribution is its own over the arms that could be played, brought to sum to 1.

    Args:
        policy: The policy; every floor leaves the other arms some probability.
    """

    def __init__(self, policy: EvaluationPolicy) -> None:
        self._policy = policy

    @property
    def spec(self) -> str:
        """How the command line names it."""
        return self._policy.spec

    def answer(self, log: Log) -> PolicyAnswer:
        """Give its distribution over the arms that each row has."""
        padded, own = _padded(log)
        if padded is log:
            return self._policy.answer(log)
        answered = self._policy.answer(padded)
        kept = answered.probabilities[own]
        return PolicyAnswer(kept / np.repeat(log.row_sums(kept), log.lengths), answered.fallback)


def _padded(log: Log) -> tuple[Log, np.ndarray]:
    """Put `hold` before the eligible arms of rows that lack it, and say which entries were there before."""
    code = log.code(HOLD)
    arms = log.arms if code is not None else (*log.arms, HOLD)
    hold = len(log.arms) if code is None else code
    lacks = log.row_sums((log.eligible == hold) * 1.0) == 0.0
    if not lacks.any():
        return log, np.ones(log.eligible.size, dtype=bool)
    before = log.offsets[:-1][lacks]
    eligible = np.insert(log.eligible, before, np.int32(hold))
    own = np.insert(np.ones(log.eligible.size, dtype=bool), before, False)
    padded = replace(
        log,
        arms=arms,
        eligible=eligible,
        probabilities=np.insert(log.probabilities, before, np.nan),
        offsets=np.concatenate(([0], np.cumsum(log.lengths + lacks))).astype(np.int64),
        chosen=log.chosen + lacks,
    )
    return padded, own
