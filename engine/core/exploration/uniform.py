"""Every eligible arm alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Uniform:
    """P(a) = 1/K over the K eligible arms; the policy of the control share and of a server without a snapshot."""

    def probabilities(self, costs: np.ndarray, eligible: np.ndarray, t: int) -> np.ndarray:  # noqa: ARG002
        """P(arm | eligible arms); see `Explorer`."""
        return eligible / eligible.sum(axis=1, keepdims=True)
