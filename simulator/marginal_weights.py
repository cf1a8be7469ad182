"""Weights of arm embeddings, for MIPS."""

from __future__ import annotations

import numpy as np

from simulator.arm_embedding import ArmEmbedding
from simulator.arrays import FloatArray
from simulator.log import Log
from simulator.metric import UndefinedMetric

__all__ = ["marginal_weights"]


def marginal_weights(log: Log, probabilities: FloatArray, embedding: ArmEmbedding) -> FloatArray:
    """Give p(eᵢ | xᵢ, π) / p(eᵢ | xᵢ, p) of every row's logged arm, shape (n,).

    Both are sums over the eligible arms whose embedding is that of the logged arm, so the log must have kept their
    probabilities; that of the logged arm itself is its propensity. Rows stand alone, so a log may be given in chunks.

    Source: Saito and Joachims (2022), §3.1, with p(e | x, a) either 0 or 1.

    Args:
        log: The decisions.
        probabilities: π(a | xᵢ) aligned with `log.eligible`, shape (m,).
        embedding: Of the log's arms.

    Raises:
        UndefinedMetric: If a row lacks a probability that its weight needs.
    """
    cluster = embedding.cluster[log.eligible]
    alike = cluster == np.repeat(embedding.cluster[log.arm], log.lengths)
    logged = log.probabilities.copy()
    logged[log.chosen_at] = log.propensity
    under_log = log.row_sums(np.where(alike, logged, 0.0))
    missing = int(log.count[np.isnan(under_log)].sum())
    if missing:
        raise UndefinedMetric(
            f"mips needs the logged probabilities of all eligible arms that share an embedding: {missing} of "
            f"{log.decisions} decisions kept the chosen arm's alone"
        )
    return log.row_sums(np.where(alike, probabilities, 0.0)) / under_log
