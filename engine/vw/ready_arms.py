"""The arms that a workspace has read already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.core.feature import Feature
from engine.vw.example import ExampleWriter
from engine.vw.workspace import Workspace

_MOST = 4_096
"""Vowpal Wabbit keeps some 30 kB for an example, used or not."""


class ReadyArms:
    """Arms as parsed examples, so that a decision over thirty of them is two lines to parse instead of thirty-one.

    The examples last as long as their workspace, which the learner renews at every save point. Catalogues hand the same
    tuple of features out for the same arm, so tuples are known by their identity.

    Args:
        workspace: Owns the examples; `close` has to come before it ends.
        writer: Checks and writes arms met for the first time.
    """

    def __init__(self, workspace: Workspace, writer: ExampleWriter) -> None:
        self._workspace = workspace
        self._writer = writer
        self._known: dict[int, Any] = {}
        self._held: list[tuple[Feature, ...]] = []  # which keeps their ids from being given to other ones
        self._parsed: list[list[Any]] = []

    def of(self, arms: Sequence[tuple[Feature, ...]]) -> list[Any] | None:
        """The examples of a decision's arms; None where an arm stands twice or too many are kept.

        Raises:
            InvalidInput: Naming the feature that cannot be written.
            LearningError: If Vowpal Wabbit refuses an arm.
        """
        try:
            found = list(map(self._known.__getitem__, map(id, arms)))
        except KeyError:
            if not self._read(arms):
                return None
            found = list(map(self._known.__getitem__, map(id, arms)))
        return found if len(set(map(id, found))) == len(found) else None

    def close(self) -> None:
        """Give all examples back to the workspace, which is to be saved no more."""
        for parsed in self._parsed:
            self._workspace.release(parsed)
        self._parsed.clear()
        self._known.clear()
        self._held.clear()

    def _read(self, arms: Sequence[tuple[Feature, ...]]) -> bool:
        """Whether all arms are ready now."""
        new = list({id(arm): arm for arm in arms if id(arm) not in self._known}.values())
        if len(self._known) + len(new) > _MOST:
            return False
        parsed = self._workspace.parse_arms([self._writer.arm(arm) for arm in new])
        self._parsed.append(parsed)
        self._held += new
        for arm, example in zip(new, parsed[1:], strict=True):
            self._known[id(arm)] = example
        return True
