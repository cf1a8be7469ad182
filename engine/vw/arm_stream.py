"""Predicting and learning decisions one after the other, as they come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.core.errors import InvalidInput
from engine.vw.workspace import Workspace

_LARGEST = float(np.finfo(np.float32).max)
_SMALLEST = float(np.finfo(np.float32).smallest_subnormal) / 2
_OURS = ("--quiet", "--no_stdin")


class ArmLabel(NamedTuple):
    """What is known of one decision.

    Attributes:
        chosen: Index of the chosen arm among the eligible ones.
        cost: Lower is better.
        probability: P(chosen | context, eligible arms) of the draw as made, in (0, 1].
    """

    chosen: int
    cost: float
    probability: float


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

    def learn(self, shared: str, arms: Sequence[str], label: ArmLabel) -> None:
        """Learn what a decision cost.

        Args:
            shared: The shared line.
            arms: The line of each eligible arm; training on the chosen one alone would not be equivalent.
            label: What is known of the chosen one.

        Raises:
            InvalidInput: If the label is none; native code would take it silently or abort.
            LearningError: If Vowpal Wabbit refuses the example.
        """
        self._workspace.learn(_labelled(shared, arms, label))

    def predict_then_learn(self, shared: str, arms: Sequence[str], label: ArmLabel) -> list[float]:
        """Do as `predict` and then `learn`, at little more than the price of learning.

        Raises:
            InvalidInput: If the label is none.
            LearningError: If Vowpal Wabbit refuses the example.
        """
        return self._workspace.predict_then_learn(_labelled(shared, arms, label))

    def to_bytes(self) -> bytes:
        """The model as a Vowpal Wabbit file."""
        return self._workspace.to_bytes()

    def close(self) -> None:
        """Free the native memory."""
        self._workspace.close()


def _labelled(shared: str, arms: Sequence[str], label: ArmLabel) -> list[str]:
    chosen, cost, probability = label
    if not 0 <= chosen < len(arms):
        raise InvalidInput(f"expected an index below {len(arms)}, got {chosen}", field="chosen")
    if not _SMALLEST < probability <= 1.0:
        raise InvalidInput(f"expected a probability in (0, 1], got {probability}", field="probability")
    if not abs(cost) <= _LARGEST:
        raise InvalidInput(f"expected a finite number, got {cost}", field="cost")
    lines = [shared, *arms]
    lines[chosen + 1] = f"0:{cost:.9g}:{probability:.9g} {lines[chosen + 1]}"
    return lines
