"""A linear head on text vectors: a few weights that turn an encoder's vectors into calibrated probabilities."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import InvalidInput

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LogisticHead:
    """P(label | text) as softmax or sigmoid of (W x + b) / T.

    Reading needs numpy alone, so that a packaged head works without scikit-learn.

    Attributes:
        labels: Names of the k outputs.
        weights: W, shape (k, d).
        bias: b, shape (k,).
        temperature: T > 0, fitted on texts that the weights had not seen.
        several: Whether labels are independent (sigmoid of each) or exclude each other (softmax over all).

    Source: Guo, Pleiss, Sun, Weinberger (2017), "On calibration of modern neural networks", section 4.2 (temperature).
    """

    labels: tuple[str, ...]
    weights: Array
    bias: Array
    temperature: float = 1.0
    several: bool = False

    def __post_init__(self) -> None:
        k = len(self.labels)
        if self.weights.ndim != 2 or self.weights.shape[0] != k or self.bias.shape != (k,):
            message = f"expected weights (k, d) and bias (k,) of {k} labels"
            raise InvalidInput(f"{message}, got {self.weights.shape} and {self.bias.shape}", field="head")
        if not (np.isfinite(self.weights).all() and np.isfinite(self.bias).all() and 0 < self.temperature < np.inf):
            raise InvalidInput("expected finite weights and a temperature above 0; train the head again", field="head")

    @property
    def dimension(self) -> int:
        """Length of the vectors that it takes."""
        return int(self.weights.shape[1])

    def logits(self, vectors: NDArray[Any]) -> Array:
        """Give (W x + b) / T, shape (n, k).

        Raises:
            InvalidInput: The vectors, shape (n, d), are not of this head's length.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension:
            message = (
                f"expected vectors of length {self.dimension}, got shape {vectors.shape}; use the head's own encoder"
            )
            raise InvalidInput(message, field="head")
        return np.asarray((vectors.astype(np.float64) @ self.weights.T + self.bias) / self.temperature)

    def probabilities(self, vectors: NDArray[Any]) -> Array:
        """Give P(label | text), shape (n, k); rows sum to 1 unless labels are independent."""
        return squashed(self.logits(vectors), several=self.several)

    def to_document(self) -> dict[str, Any]:
        """Write it as a JSON object; weights are rounded to half precision, 2 bytes each."""
        packed = np.concatenate([self.weights, self.bias[:, None]], axis=1).astype("<f2")
        return {
            "labels": list(self.labels),
            "shape": list(packed.shape),
            "float16": base64.b64encode(packed.tobytes()).decode("ascii"),
            "temperature": self.temperature,
            "several": self.several,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_document` wrote.

        Raises:
            InvalidInput: It is anything else.
        """
        try:
            shape = tuple(int(size) for size in document["shape"])
            packed = np.frombuffer(base64.b64decode(document["float16"], validate=True), "<f2").reshape(shape)
            matrix = packed.astype(np.float64)
            labels = tuple(str(label) for label in document["labels"])
            temperature, several = float(document["temperature"]), bool(document["several"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(
                f"expected a head as this program writes it: {error}; train again", field="head"
            ) from error
        return cls(labels, matrix[:, :-1], matrix[:, -1], temperature, several)


def squashed(logits: Array, *, several: bool) -> Array:
    """Turn logits, shape (n, k), into probabilities: sigmoid of each where labels are independent, else softmax."""
    if several:
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf)) if logits.size else logits
    return np.asarray(shifted / np.maximum(shifted.sum(axis=1, keepdims=True), 1e-300))
