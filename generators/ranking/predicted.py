"""Scores of models that read text: predicted click-through rate, and quality."""

from __future__ import annotations

from collections.abc import Sequence
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
    """The rate that a model learned from the campaigns' own outcomes."""

    name = "ctr"

    def __init__(self, model: CtrPredictor, languages: frozenset[str]) -> None:
        self._model, self._languages = model, languages
        self.version = model.name

    def score(self, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
        """Return predicted rates, shape (n,)."""
        return _of_language(candidates, self._languages, self._model.predict)


class CopyQuality:
    """The probability that a hook is good copy."""

    name = "quality"

    def __init__(self, model: QualityPredictor, languages: frozenset[str]) -> None:
        self._model, self._languages = model, languages
        self.version = model.name

    def score(self, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
        """Return probabilities, shape (n,)."""
        return _of_language(candidates, self._languages, self._model.score)


class _Judge(Protocol):
    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]: ...


def _of_language(candidates: Sequence[Candidate], languages: frozenset[str], judge: _Judge) -> NDArray[np.float64]:
    scores = np.full(len(candidates), np.nan)
    able = [i for i, item in enumerate(candidates) if item.brief.language in languages]
    if able:
        scores[able] = judge([candidates[i].text for i in able])
    return scores
