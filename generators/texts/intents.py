"""What a shopper wants with a message: browse, compare, buy, complain, return, question, praise, stop."""

from __future__ import annotations

from collections.abc import Sequence

from generators.feedback.cues import INTENTS
from generators.feedback.reader_model import OpinionModel

__all__ = ["INTENTS", "IntentModel"]


class IntentModel:
    """The intent head of the comment readers, by itself: for search terms and chats as well as comments."""

    def __init__(self, model: OpinionModel) -> None:
        self._model = model
        self.name = f"intent-{model.features.name}"

    @classmethod
    def packaged(cls, language: str, encoder: str = "chargram") -> IntentModel:
        """Return the one that comes with this package; see `OpinionModel.packaged`."""
        return cls(OpinionModel.packaged(language, encoder))

    def intents(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Intent → probability of each text; they sum to 1."""
        return [dict(opinion.intents) for opinion in self._model.read(texts)]
