"""Names for the array types that run through the simulator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BoolArray", "FloatArray", "HashArray", "IntArray"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
HashArray = NDArray[np.uint64]
IntArray = NDArray[np.int64]
