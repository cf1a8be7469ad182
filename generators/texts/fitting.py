"""Fit a head on frozen vectors: strength by cross-validation, temperature on what the folds had not seen."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import InvalidInput
from generators.texts.head import Array, LogisticHead, squashed

_STRENGTHS = (0.3, 1.0, 3.0, 10.0)
_FOLDS = 5
_TEMPERATURES = np.exp(np.linspace(np.log(0.25), np.log(4.0), 97))


def fit_head(
    vectors: NDArray[Any],
    targets: NDArray[Any],
    labels: Sequence[str],
    *,
    several: bool = False,
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> LogisticHead:
    """Fit a logistic head with scikit-learn.

    The L2 strength with the least out-of-fold log loss is taken, and the temperature with the least on the same
    out-of-fold logits. Rows of one group (paraphrases, a text and its corruptions) share a fold.

    Args:
        vectors: Shape (n, d).
        targets: Index of the label, shape (n,); or 0 / 1 of each label, shape (n, k), where `several`.
        labels: Names of the k labels.
        several: Whether a text may have several labels or none.
        groups: Group of each row; every row its own by default.
        seed: Of the folds.

    Raises:
        InvalidInput: There are too few rows, or a label that no row has or lacks.
    """
    truth = _as_matrix(np.asarray(targets), len(labels), several)
    if len(vectors) != len(truth) or len(truth) < 2 * _FOLDS:
        raise InvalidInput(
            f"expected a target for each of at least {2 * _FOLDS} texts, got {len(truth)}", field="texts"
        )
    for label, count in zip(labels, truth.sum(axis=0), strict=True):
        if not 2 <= count <= len(truth) - 2:
            raise InvalidInput(
                f"expected at least two texts with and without {label!r}, got {int(count)}", field="labels"
            )
    folds = folds_of(list(groups) if groups is not None else list(range(len(truth))), seed)
    x = np.asarray(vectors, np.float64)
    tried = [_out_of_fold(x, truth, folds, strength, several) for strength in _STRENGTHS]
    best = int(np.argmin([log_loss(squashed(logits, several=several), truth, several=several) for logits in tried]))
    losses = [log_loss(squashed(tried[best] / t, several=several), truth, several=several) for t in _TEMPERATURES]
    weights, bias = _fitted(x, truth, _STRENGTHS[best], several)
    return LogisticHead(tuple(labels), weights, bias, float(_TEMPERATURES[int(np.argmin(losses))]), several)


def folds_of(groups: Sequence[Hashable], seed: int) -> NDArray[np.int64]:
    """Deal groups to five folds at random, whole; shape (n,)."""
    names = {group: place for place, group in enumerate(dict.fromkeys(groups))}
    dealt = np.random.default_rng(seed).permutation(len(names)) % _FOLDS
    return np.array([dealt[names[group]] for group in groups], dtype=np.int64)


def log_loss(probabilities: Array, truth: Array, *, several: bool) -> float:
    """Mean negative log-likelihood in nats of 0 / 1 truth, both shape (n, k)."""
    p = np.clip(probabilities, 1e-12, 1.0 - 1e-12)
    if several:
        return float(-np.mean(truth * np.log(p) + (1.0 - truth) * np.log(1.0 - p)))
    return float(-np.mean(np.sum(truth * np.log(p), axis=1)))


def _as_matrix(targets: NDArray[Any], k: int, several: bool) -> Array:
    if several:
        if targets.ndim != 2 or targets.shape[1] != k or not np.isin(targets, (0, 1)).all():
            raise InvalidInput(f"expected 0 or 1 for each of {k} labels, got shape {targets.shape}", field="targets")
        return targets.astype(np.float64)
    if targets.ndim != 1 or not np.isin(targets, np.arange(k)).all():
        raise InvalidInput(
            f"expected the index of one of {k} labels a text, got shape {targets.shape}", field="targets"
        )
    return np.eye(k)[targets.astype(np.int64)]


def _out_of_fold(x: Array, truth: Array, folds: NDArray[np.int64], strength: float, several: bool) -> Array:
    logits = np.zeros_like(truth)
    for fold in range(_FOLDS):
        inside = folds != fold
        if (~inside).any():
            weights, bias = _fitted(x[inside], truth[inside], strength, several)
            logits[~inside] = x[~inside] @ weights.T + bias
    return logits


def _fitted(x: Array, truth: Array, strength: float, several: bool) -> tuple[Array, Array]:
    """Return weights, shape (k, d), and bias, shape (k,); a label that a fold lacks gets its smoothed log odds."""
    k = truth.shape[1]
    counts = truth.sum(axis=0)
    weights = np.zeros((k, x.shape[1]))
    if several:
        bias = np.log((counts + 0.5) / (len(truth) - counts + 0.5))
        for label in np.flatnonzero((counts > 0) & (counts < len(truth))):
            weights[label], bias[label] = _binary(x, truth[:, label], strength)
        return weights, bias
    bias = np.log((counts + 0.5) / (len(truth) + 0.5 * k))
    present = np.flatnonzero(counts)
    if present.size == 2:
        first, second = present
        w, b = _binary(x, truth[:, second], strength)
        weights[first], weights[second], bias[first], bias[second] = -0.5 * w, 0.5 * w, -0.5 * b, 0.5 * b
    elif present.size > 2:
        model = _regression(strength).fit(x, truth.argmax(axis=1))
        weights[present], bias[present] = model.coef_, model.intercept_
    return weights, bias


def _binary(x: Array, truth: Array, strength: float) -> tuple[Array, float]:
    model = _regression(strength).fit(x, truth.astype(np.int64))
    return model.coef_[0], float(model.intercept_[0])


class _Regression:
    """Scikit-learn's logistic regression, quiet about a last digit that it did not reach."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def fit(self, x: Array, y: NDArray[Any]) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", import_module("sklearn.exceptions").ConvergenceWarning)
            return self._model.fit(x, y)


def _regression(strength: float) -> _Regression:
    try:
        linear = import_module("sklearn.linear_model")
    except ImportError as error:
        message = "training a head needs scikit-learn; run pip install 'armsreach[simulator]'"
        raise InvalidInput(message, field="scikit-learn") from error
    return _Regression(linear.LogisticRegression(C=strength, max_iter=300, tol=1e-5))
