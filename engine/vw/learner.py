"""Learning from decisions, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from engine.core.feature import Feature
from engine.core.learning import LearningEvent, LearningOptions
from engine.core.schema import Schema
from engine.vw.arguments import vw_arguments
from engine.vw.example import ExampleWriter
from engine.vw.model_file import checked_model
from engine.vw.ready_arms import ReadyArms
from engine.vw.workspace import Workspace


class VwLearner:
    """A contextual-bandit model that learns with Vowpal Wabbit.

    A learner restarted from any bytes it saved, and given the remaining events, ends with the same weights and the
    same optimiser state, bit for bit, as one that was never stopped. Every `save_every`-th decision it goes through
    save and reload itself, so that a live learner cannot know more than its bytes do.

    Not thread-safe, and holds the interpreter lock while it learns: it belongs in a process of its own.
    """

    def __init__(self, options: LearningOptions, schema: Schema) -> None:
        self._options = options
        self._schema = schema
        self._writer = ExampleWriter(schema)
        self._arguments = vw_arguments(options)
        self._workspace = Workspace(self._arguments)
        self._ready = ReadyArms(self._workspace, self._writer)
        self._reader: tuple[int, Workspace] | None = None
        self._learned = 0
        self._bytes: bytes | None = None

    @property
    def options(self) -> LearningOptions:
        """How it learns."""
        return self._options

    @property
    def learned(self) -> int:
        """Decisions learned since the model began, those before a restart included."""
        return self._learned

    def learn(self, events: Iterable[LearningEvent]) -> None:
        """Learn events in their order.

        Raises:
            InvalidInput: If an event cannot be learned; those before it have been.
        """
        for event in events:
            self.learn_written(*self._writer.chosen_only(event), event.arms, event.chosen, event.weight)

    def learn_written(
        self, shared: str, labelled: str, arms: Sequence[tuple[Feature, ...]], chosen: int, weight: int
    ) -> None:
        """Learn an event that an `ExampleWriter` of the same schema has checked and written.

        Args:
            shared: The shared line.
            labelled: The chosen arm's line with its label.
            arms: Features of every eligible arm.
            chosen: Index into `arms`.
            weight: How often.

        Raises:
            InvalidInput: If an arm cannot be written.
        """
        for _ in range(weight):
            self._bytes = None
            # Where the model is no plain table, reductions may leave traces in examples that are used again.
            ready = None if self._options.served_through_vw else self._ready.of(arms)
            if ready is None:
                lines = [shared, *map(self._writer.arm, arms)]
                lines[chosen + 1] = labelled
                self._workspace.learn(lines)
            else:
                self._workspace.learn_parsed(shared, labelled, ready, chosen)
            self._learned += 1
            if self._learned % self._options.save_every == 0:
                self._reopen(self.to_bytes())

    def to_bytes(self) -> bytes:
        """The model as a Vowpal Wabbit file, with all state that learning on needs."""
        if self._bytes is None:
            self._bytes = self._workspace.to_bytes()
        return self._bytes

    def saved(self) -> Callable[[], bytes]:
        """The model as it stands now, to be fetched later."""
        data = self.to_bytes()
        return lambda: data

    @classmethod
    def from_bytes(cls, options: LearningOptions, schema: Schema, data: bytes) -> VwLearner:
        """Continue from saved bytes.

        Raises:
            CorruptState: If the bytes are missing, cut short or no model.
            LearningError: If they were learned with other options.
        """
        checked_model(data, options)
        learner = cls(options, schema)
        learner._reopen(data)
        learner._learned = round(learner._workspace.weighted_examples())
        return learner

    def close(self) -> None:
        """Free the native memory."""
        self._ready.close()
        self._workspace.close()

    def predict(self, x: np.ndarray, arms: Sequence[tuple[Feature, ...]]) -> np.ndarray:
        """Predict costs with Vowpal Wabbit itself, from saved and reloaded bytes.

        The live workspace is not asked: it counts predictions as examples, and under l1 or l2 it reads weights
        before regularisation.

        Args:
            x: Shape (d,), float32.
            arms: Features of each arm.

        Returns:
            Shape (k,), float64.
        """
        lines = self._writer.unlabelled(x, arms)
        if self._reader is None or self._reader[0] != self._learned:
            if self._reader is not None:
                self._reader[1].close()
            self._reader = (self._learned, Workspace(self._arguments, self.to_bytes()))
        return np.array(self._reader[1].predict(lines))

    def _reopen(self, data: bytes) -> None:
        self._ready.close()
        self._workspace.close()
        self._workspace = Workspace(self._arguments, data)
        self._bytes = data
        self._ready = ReadyArms(self._workspace, self._writer)
