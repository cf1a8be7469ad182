"""What the rows of a log teach a learner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import InvalidInput
from engine.vw import ArmLabel
from simulator.arrays import BoolArray
from simulator.log import Log
from simulator.policies.learning_task import LearningTask
from simulator.policies.vw_rows import RowTexts

__all__ = ["Lessons"]

#: Each of a row's decisions is a step of learning; a table of thousands of impressions a row would take for ever.
_MOST_COUNT = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Text and labels of a chunk of n rows; lists, since rows are taken one by one.

    Attributes:
        texts: The rows' text.
        teaches: Whether a row is learned at all.
        mature_at: When its reward is complete, microseconds since the epoch.
        labels: Chosen arm, scaled cost and propensity.
        count: How many decisions it stands for.
        left_out: How many decisions could have been learned from and do not teach.
    """

    texts: RowTexts
    teaches: list[bool]
    mature_at: list[int]
    labels: list[ArmLabel]
    count: list[int]
    left_out: int

    @classmethod
    def of(cls, log: Log, texts: RowTexts, task: LearningTask, rows: BoolArray | None = None) -> Lessons:
        """Read a chunk.

        A row teaches when a policy drew it with a known propensity (live, control, fallback) among several eligible
        arms, and its outcomes were observed up to the horizon. Its reward is what had come by then.

        Args:
            log: The chunk.
            texts: Its text.
            task: What is to be learned.
            rows: Which of its rows may teach, shape (n,); all of them when None.

        Raises:
            InvalidInput: When a reward is not finite, a propensity too small for a float32, or a row stands for more
                decisions than can be learned one by one.
        """
        asked = np.ones(log.rows, dtype=bool) if rows is None else rows
        teaches = asked & log.valued & (log.lengths > 1) & task.horizons.observed(log, task.kinds)
        label = task.scale.labels(task.reward_of(task.horizons.within(log, task.kinds)))
        wrong = np.flatnonzero(teaches & ~(np.isfinite(label) & (log.propensity.astype(np.float32) > 0)))
        if wrong.size:
            raise InvalidInput(
                f"expected a finite reward and a propensity above 1e-45, got others in decision "
                f"{log.decision_ids[wrong[0]]!r}; correct the log",
                field=task.name,
            )
        many = np.flatnonzero(teaches & (log.count > _MOST_COUNT))
        if many.size:
            raise InvalidInput(
                f"expected rows of at most {_MOST_COUNT} decisions, since each is learned by itself; got "
                f"{log.count[many[0]]} in {log.decision_ids[many[0]]!r}; write them as rows of their own, or take "
                "policies that do not learn",
                field="count",
            )
        return cls(
            texts,
            teaches.tolist(),
            task.horizons.mature_at(log, task.kinds).tolist(),
            list(map(ArmLabel, log.chosen.tolist(), label.tolist(), log.propensity.tolist())),
            log.count.tolist(),
            int(log.count[asked & ~teaches].sum()),
        )
