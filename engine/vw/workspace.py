"""The one door to Vowpal Wabbit's native code: models as bytes in and bytes out."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import vowpalwabbit

from engine.core.errors import LearningError

_NO_SHOPPER = "shared |U"


class Workspace:
    """A quiet Vowpal Wabbit workspace. Not thread-safe: one per process or lock.

    Callers check examples and models before they come here (see `ExampleWriter` and `ModelFile`): native code answers
    some mistakes by ending the process.
    """

    def __init__(self, arguments: Sequence[str], model: bytes | None = None) -> None:
        """Open a workspace, empty or continuing from `model`.

        Raises:
            LearningError: If Vowpal Wabbit refuses the options or the model.
        """
        self._native: Any = None
        with tempfile.TemporaryDirectory(prefix="armsreach-vw-") as folder:
            words = list(arguments)
            if model is not None:
                path = Path(folder, "model.vw")
                path.write_bytes(model)
                words += ["--initial_regressor", str(path)]
            try:
                self._native = vowpalwabbit.Workspace(arg_list=words)
            except Exception as error:
                raise LearningError(f"Vowpal Wabbit refused its options or model: {error}") from None

    def learn(self, lines: list[str]) -> None:
        """Learn one example.

        This takes the three native steps of `vowpalwabbit.Workspace.learn` without wrapping every line in a Python
        object, which takes more time than learning does.

        Raises:
            LearningError: If Vowpal Wabbit refuses it.
        """
        try:
            parsed = self._native._parse("\n".join(lines))
            self._native.learn_multi(parsed)
            self._native._finish_example_multi_ex(parsed)
        except Exception as error:
            raise LearningError(f"Vowpal Wabbit refused an example: {error}") from None

    def parse_arms(self, lines: Sequence[str]) -> list[Any]:
        """Read arms' lines once, for `learn_parsed` to use many times; `release` gives the list back.

        Returns:
            A shared example of nothing, then one per line.

        Raises:
            LearningError: If Vowpal Wabbit refuses it.
        """
        try:
            parsed: list[Any] = self._native._parse("\n".join((_NO_SHOPPER, *lines)))
        except Exception as error:
            raise LearningError(f"Vowpal Wabbit refused an example: {error}") from None
        return parsed

    def learn_parsed(self, shared: str, labelled: str, arms: list[Any], chosen: int) -> None:
        """Learn one example of which all arms but the chosen one are ready.

        Learning leaves an example as it found it, so that weights and optimiser state come out bit for bit as from
        `learn`; of the counters that Vowpal Wabbit keeps for its own reports, the number of features seen does not.

        Args:
            shared: The shared line.
            labelled: The chosen arm's line with its label.
            arms: From `parse_arms`, all different, without the shared one; the list is changed.
            chosen: Which of them stands for the chosen arm.

        Raises:
            LearningError: If Vowpal Wabbit refuses it.
        """
        try:
            own = self._native._parse(f"{shared}\n{labelled}")
            arms[chosen] = own[1]
            arms.insert(0, own[0])
            self._native.learn_multi(arms)
            self._native._finish_example_multi_ex(own)
        except Exception as error:
            raise LearningError(f"Vowpal Wabbit refused an example: {error}") from None

    def release(self, parsed: list[Any]) -> None:
        """Give back what `parse_arms` returned, before `close`; the model is not to be saved after that.

        Vowpal Wabbit takes an example back after a prediction only: without one its native code fails.
        """
        self._native.predict_multi(parsed)
        self._native._finish_example_multi_ex(parsed)

    def predict_then_learn(self, lines: list[str]) -> list[float]:
        """Learn one example, and return the scores of its arms from before.

        Vowpal Wabbit predicts before it learns, so that this costs little more than learning; what it predicts and
        what it learns is what `predict` and then `learn` give, bit for bit.

        Raises:
            LearningError: If Vowpal Wabbit refuses it.
        """
        try:
            parsed = self._native._parse("\n".join(lines))
            self._native.learn_multi(parsed)
            scores: list[float] = parsed[0].get_action_scores()
            self._native._finish_example_multi_ex(parsed)
        except Exception as error:
            raise LearningError(f"Vowpal Wabbit refused an example: {error}") from None
        return scores

    def predict(self, lines: list[str]) -> list[float]:
        """Score the arms of one example, in the order of its lines.

        Raises:
            LearningError: If Vowpal Wabbit refuses it.
        """
        try:
            parsed = self._native._parse("\n".join(lines))
            self._native.predict_multi(parsed)
            scores: list[float] = parsed[0].get_action_scores()
            self._native._finish_example_multi_ex(parsed)
        except Exception as error:
            raise LearningError(f"Vowpal Wabbit refused an example: {error}") from None
        return scores

    @property
    def scores_arms(self) -> bool:
        """Whether it learns from decisions over listed arms, and answers with a number for each."""
        kinds = (vowpalwabbit.PredictionType.ACTION_SCORES, vowpalwabbit.PredictionType.ACTION_PROBS)
        return (
            bool(self._native._is_multiline())
            and self._native.get_label_type() == vowpalwabbit.LabelType.CONTEXTUAL_BANDIT
            and self._native.get_prediction_type() in kinds
        )

    def hashes(self, namespace: str, names: Sequence[str]) -> list[int]:
        """Hash feature names as the text parser does."""
        space = self._native.hash_space(namespace)
        return [int(self._native.hash_feature(name, space)) for name in names]

    def json_weights(self) -> str:
        """Every weight that is not zero, as JSON."""
        return str(self._native.json_weights())

    def weighted_examples(self) -> float:
        """How many examples the workspace has seen, those before its model was loaded included."""
        return float(self._native.get_weighted_examples())

    def to_bytes(self) -> bytes:
        """The model with all state that further learning needs."""
        with tempfile.TemporaryDirectory(prefix="armsreach-vw-") as folder:
            path = Path(folder, "model.vw")
            self._native.save(path)
            return path.read_bytes()

    def close(self) -> None:
        """Free the native memory."""
        self._native.finish()
