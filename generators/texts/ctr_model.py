"""Predicts how often copy is clicked, from its text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import CorruptState, InvalidInput
from generators.embeddings import Embedder
from generators.texts.encoder_choice import described, found
from generators.texts.head import Array
from generators.texts.model_folder import TextManifest, read_manifest, write_model

_FILE = "ctr.json"


@dataclass(frozen=True, slots=True, eq=False)
class CtrModel:
    """logit P(click | text) = base + (x − x̄) · w + what was seen of this very copy.

    Attributes:
        embedder: Gives x, shape (d,).
        weights: w, shape (d,); all 0 where the texts of the training data told nothing.
        centre: x̄, shape (d,): the mean copy, which gets the base rate.
        base: Logit of the base rate.
        places: Group → logit of its own rate, such as a channel and slot.
        seen: Text → what its own clicks add to the prediction, shrunken by how few they are.
    """

    embedder: Embedder
    weights: Array
    centre: Array
    base: float
    places: Mapping[str, float] = field(default_factory=dict)
    seen: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.weights.shape != (self.embedder.dimension,) or self.centre.shape != self.weights.shape:
            message = f"expected weights and centre of length {self.embedder.dimension}, got {self.weights.shape}"
            raise InvalidInput(f"{message}; use the encoder it was trained on", field="encoder")

    @property
    def name(self) -> str:
        """Name of the encoder below."""
        return f"ctr-{self.embedder.name}"

    def predict(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give P(click | text shown), shape (n,)."""
        if not texts:
            return np.zeros(0)
        own = np.array([self.seen.get(text, 0.0) for text in texts])
        return sigmoid(self.base + self.lift(self.embedder.embed(texts)) + own)

    def lift(self, vectors: NDArray[Any]) -> Array:
        """Give what the wording adds to the logit, shape (n,)."""
        return np.asarray((vectors.astype(np.float64) - self.centre) @ self.weights)

    def at(self, place: str) -> CtrModel:
        """Return the model of one channel and slot, `channel/slot`.

        Raises:
            InvalidInput: Nothing was seen there.
        """
        if place not in self.places:
            known = ", ".join(sorted(self.places)) or "none"
            raise InvalidInput(f"expected a place it was trained on ({known}), got {place!r}", field="place")
        return replace(self, base=self.places[place])

    def save(
        self,
        folder: Path,
        *,
        training: Mapping[str, object],
        metrics: Mapping[str, float] | None = None,
        encoder_folder: Path | None = None,
    ) -> None:
        """Write the model with its manifest, atomically.

        Raises:
            InvalidInput: The folder exists.
        """
        document = {
            "weights": self.weights.tolist(),
            "centre": self.centre.tolist(),
            "base": self.base,
            "places": dict(self.places),
            "seen": dict(self.seen),
        }
        manifest = TextManifest("ctr", described(self.embedder, encoder_folder), ("click",), training, metrics or {})
        write_model(folder, manifest, lambda staged: _write(staged / _FILE, json.dumps(document, ensure_ascii=False)))

    @classmethod
    def load(cls, folder: Path, embedder: Embedder | None = None) -> CtrModel:
        """Read a model back, on the encoder it was trained on.

        Raises:
            InvalidInput: There is none, or its encoder is another one.
            UnsupportedVersion: A newer armsreach wrote it.
            CorruptState: It was changed.
        """
        manifest = read_manifest(folder, "ctr")
        document = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        try:
            weights, centre = (np.array(document[name], np.float64) for name in ("weights", "centre"))
            encoder = found(dict(manifest.encoder), embedder)
            return cls(encoder, weights, centre, float(document["base"]), document["places"], document["seen"])
        except (KeyError, TypeError) as error:
            raise CorruptState(f"{folder / _FILE}: expected a click model: {error}; train it again") from error


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give 1 / (1 + e^−x) without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
