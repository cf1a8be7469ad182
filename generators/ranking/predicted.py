"""Scores of models that read text: predicted click-through rate, and quality."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from generators.candidate import Candidate


class CtrPredictor(Protocol):
    """Predicts a click-through rate from text."""

    @property
    def name(self) -> str:
        """Name and version of the model."""

    def predict(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return rates in [0, 1], shape (n,)."""


class QualityPredictor(Protocol):
    """Says how likely a text is good copy."""

    @property
    def name(self) -> str:
        """Name and version of the model."""

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return probabilities, shape (n,)."""


class PredictedCtr:
    """The rate that a model learned from the campaigns' own outcomes: the mean over the channels of the copy."""

    name = "ctr"

    def __init__(self, model: CtrPredictor, languages: frozenset[str]) -> None:
        self._model, self._languages = model, languages
        self.version = model.name

    def score(self, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
        """Return predicted rates, shape (n,)."""
        return _of_language(candidates, self._languages, self._mean_rates)

    def _mean_rates(self, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
        # The model has read what a shopper reads in a channel: its fields, one a line.
        texts = [["\n".join(filter(None, fields.values())) for fields in c.draft.channels.values()] for c in candidates]
        rates = self._model.predict([text for some in texts for text in some])
        ends = np.cumsum([len(some) for some in texts])
        return np.array([part.mean() for part in np.split(rates, ends[:-1])])


class CopyQuality:
    """The probability that a hook is good copy, by one model a language."""

    name = "quality"

    def __init__(self, models: Mapping[str, QualityPredictor]) -> None:
        """Take language → model."""
        self._models = dict(models)
        self.version = ", ".join(model.name for _, model in sorted(self._models.items()))

    def score(self, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
        """Return probabilities, shape (n,)."""
        scores = np.full(len(candidates), np.nan)
        for language, model in self._models.items():
            rows = [i for i, item in enumerate(candidates) if item.brief.language == language]
            if rows:
                scores[rows] = model.score([candidates[i].text for i in rows])
        return scores


def _of_language(
    candidates: Sequence[Candidate],
    languages: frozenset[str],
    judge: Callable[[Sequence[Candidate]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    scores = np.full(len(candidates), np.nan)
    able = [i for i, item in enumerate(candidates) if item.brief.language in languages]
    if able:
        scores[able] = judge([candidates[i] for i in able])
    return scores
