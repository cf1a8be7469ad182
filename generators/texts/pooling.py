"""Pool heads that were fitted on parts of a vector one by one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import InvalidInput
from generators.texts.fitting import fit_head
from generators.texts.head import LogisticHead


def fit_pooled(
    vectors: NDArray[Any],
    parts: Sequence[int],
    targets: NDArray[Any],
    labels: Sequence[str],
    *,
    several: bool = False,
    weights: Sequence[float] | None = None,
) -> LogisticHead:
    """Fit a head on each part of the vectors, and add up their evidence.

    Each part's head is calibrated by itself; the pooled logit is Σ w_j z_j − (Σ w_j − 1) · prior logit,
    which with weights of 1 is right where the parts are independent given the label, and less where they say the same
    twice. Fitted jointly, lists that were written beside the same
    sentences would get all the weight, and an encoder that knows more words none.

    Args:
        vectors: Shape (n, d).
        parts: Sizes of the parts, in order; they sum to d.
        targets: As for `fit_head`.
        labels: Names of the labels.
        several: Whether labels are independent.
        weights: How much the evidence of each part counts; 1 by default.

    Source: Hinton (2002), "Training products of experts by minimizing contrastive divergence", section 1, with the
    prior counted once.

    Raises:
        InvalidInput: The sizes do not sum to d, or see `fit_head`.
    """
    if sum(parts) != vectors.shape[1]:
        raise InvalidInput(f"expected parts that sum to {vectors.shape[1]}, got {sum(parts)}", field="parts")
    edges = np.cumsum([0, *parts])
    heads = [fit_head(vectors[:, start:end], targets, labels, several=several) for start, end in pairwise(edges)]
    truth = np.asarray(targets) if several else np.eye(len(labels))[targets]
    rate = (truth.sum(axis=0) + 0.5) / (len(truth) + 0.5 * len(labels))
    prior = np.log(rate / (1.0 - rate)) if several else np.log(rate)
    counts = [1.0] * len(heads) if weights is None else list(weights)
    both = list(zip(heads, counts, strict=True))
    matrix = np.concatenate([count * head.weights / head.temperature for head, count in both], axis=1)
    bias = sum((count * head.bias / head.temperature for head, count in both), np.zeros(len(labels)))
    return LogisticHead(tuple(labels), matrix, bias - (sum(counts) - 1.0) * prior, 1.0, several)
