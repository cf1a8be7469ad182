"""A fixed random projection that keeps distances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SEED = 20260101


def orthogonal_projection(source: int, target: int) -> NDArray[np.float32]:
    """Return a matrix with orthonormal columns, shape (source, target), the same on every call.

    Source: Johnson, Lindenstrauss (1984); Q of the QR decomposition of a Gaussian matrix is uniform over orthonormal
    frames (Stewart 1980, section 3), with the signs of R's diagonal moved into Q.
    """
    gaussian = np.random.default_rng(_SEED).standard_normal((source, target))
    q, r = np.linalg.qr(gaussian)
    return (q * np.sign(np.diag(r))).astype(np.float32)
