"""The pseudonyms of many shoppers, kept as the hashes that they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np

BYTES = 16


class Pseudonyms(Sequence[str]):
    r"""n pseudonyms; reading one makes its 32 hexadecimal digits, while tables and journals take the bytes.

    Attributes:
        digests: n × 16 bytes.

    Examples:
        >>> users = Pseudonyms([bytes(16), b"\xff" * 16])
        >>> users[1][:4], users.raw == bytes(16) + b"\xff" * 16
        ('ffff', True)
    """

    def __init__(self, digests: Sequence[bytes]) -> None:
        self.digests = digests

    @cached_property
    def raw(self) -> bytes:
        """All of them, back to back."""
        return b"".join(self.digests)

    @cached_property
    def digits(self) -> np.ndarray:
        """Their digits, as ASCII; shape (n, 32), uint8."""
        return np.frombuffer(self.raw.hex().encode(), dtype=np.uint8).reshape(-1, 2 * BYTES)

    def texts(self) -> list[bytes]:
        """The digits of each, as ASCII."""
        found: list[bytes] = self.digits.view(f"S{2 * BYTES}").ravel().tolist()
        return found

    def __len__(self) -> int:
        return len(self.digests)

    def __iter__(self) -> Iterator[str]:
        return map(bytes.hex, self.digests)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Pseudonyms: ...

    def __getitem__(self, index: int | slice) -> str | Pseudonyms:
        if isinstance(index, slice):
            return Pseudonyms(self.digests[index])
        return self.digests[index].hex()


def raw_of(users: Sequence[str]) -> bytes:
    """Pseudonyms as bytes, back to back.

    Raises:
        ValueError: If one is none.
    """
    return users.raw if isinstance(users, Pseudonyms) else bytes.fromhex("".join(users))
