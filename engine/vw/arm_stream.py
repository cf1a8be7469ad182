"""Predicting and learning decisions one after the other, as they come."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.core.errors import InvalidInput
from engine.vw.workspace import Workspace

_LARGEST = float(np.finfo(np.float32).max)
_OURS = ("--quiet", "--no_stdin")


class ArmStream:
    """An online contextual bandit under Vowpal Wabbit's own options, its exploration included.

    A decision is the text of its shared line and of its arms' lines. Arms' lines are the same over many decisions, so
    whoever asks makes them once (`arm_line`) and hands them over again. Predicting does not learn. Not thread-safe.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        """Open a workspace that has learned nothing.

        Args:
            arguments: `--cb_explore_adf` or `--cb_adf`, and further options; no files.

        Raises:
            LearningError: If Vowpal Wabbit refuses the options.
            InvalidInput: If they make something else of it than a contextual bandit over listed arms.
        """
        self._workspace = Workspace([*arguments, *_OURS])
        if not self._workspace.scores_arms:
            self._workspace.close()
            raise InvalidInput(
                "expected options of a contextual bandit over listed arms, got another kind of learner; start with "
                "--cb_explore_adf",
                field="options",
            )

    def predict(self, shared: str, arms: Sequence[str]) -> list[float]:
        """Give each arm's probability under `--cb_explore_adf`, its predicted cost under `--cb_adf` alone.

        Args:
            shared: The shared line.
            arms: The line of each arm, at least one.

        Raises:
            LearningError: If Vowpal Wabbit refuses the example.
        """
        return self._workspace.predict([shared, *arms])

    def learn(self, shared: str, arms: Sequence[str], chosen: int, cost: float, probability: float) -> None:
        """Learn what a decision cost.

        Args:
            shared: The shared line.
            arms: The line of each eligible arm; training on the chosen one alone would not be equivalent.
            chosen: Index into `arms`.
            cost: Lower is better.
            probability: P(chosen | context, eligible arms) of the draw as made, in (0, 1].

        Raises:
            InvalidInput: If a number is none that can be learned; native code would take it silently or abort.
            LearningError: If Vowpal Wabbit refuses the example.
        """
        if not 0 <= chosen < len(arms):
            raise InvalidInput(f"expected an index below {len(arms)}, got {chosen}", field="chosen")
        if not (0.0 < probability <= 1.0 and np.float32(probability) > 0):
            raise InvalidInput(f"expected a probability in (0, 1], got {probability}", field="probability")
        if not (math.isfinite(cost) and abs(cost) <= _LARGEST):
            raise InvalidInput(f"expected a finite number, got {cost}", field="cost")
        lines = [shared, *arms]
        lines[chosen + 1] = f"0:{cost:.9g}:{probability:.9g} {lines[chosen + 1]}"
        self._workspace.learn(lines)

    def to_bytes(self) -> bytes:
        """The model as a Vowpal Wabbit file."""
        return self._workspace.to_bytes()

    def close(self) -> None:
        """Free the native memory."""
        self._workspace.close()
