"""A 64-bit hash of strings and integers, equal on every machine and in every order of rows.

Source: FNV-1a (Fowler, Noll, Vo) over the bytes, finished with splitmix64 (Steele, Lea and Flood 2014, fig. 14).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.arrays import FloatArray, HashArray

__all__ = ["hash_strings", "mix", "uniform"]

_OFFSET, _PRIME = 0xCBF29CE484222325, np.uint64(0x100000001B3)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(x: HashArray) -> HashArray:
    """Spread the bits of each integer over all 64 (splitmix64)."""
    z = x + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def hash_strings(values: Sequence[str], domain: str = "") -> HashArray:
    """Hash each string together with a domain; distinct domains give independent hashes.

    Args:
        values: Any strings.
        domain: What the hash is for, such as "fold" or "bootstrap".

    Returns:
        Shape (len(values),).
    """
    seed = _OFFSET
    for byte in domain.encode():
        seed = ((seed ^ byte) * int(_PRIME)) & 0xFFFFFFFFFFFFFFFF
    if not len(values):
        return np.zeros(0, dtype=np.uint64)
    encoded = np.array([value.encode() for value in values])
    width = encoded.dtype.itemsize
    state = np.full(len(values), np.uint64(seed), dtype=np.uint64)
    if width:
        columns = encoded.view(np.uint8).reshape(len(values), width)
        for column in range(width):
            # Padding bytes are hashed too; all widths agree because a zero byte is skipped.
            one = columns[:, column].astype(np.uint64)
            state = np.where(one == 0, state, (state ^ one) * _PRIME)
    return mix(state)


def uniform(x: HashArray) -> FloatArray:
    """Turn hashes into numbers in [0, 1) with 53 bits."""
    return np.asarray((x >> np.uint64(11)).astype(np.float64) * 2.0**-53)
