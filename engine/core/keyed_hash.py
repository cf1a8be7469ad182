"""One keyed hash for every random-looking choice, with a domain for each, so that they are independent."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from engine.core.errors import ConfigError

_LENGTH = struct.Struct("<I").pack


class Domain(StrEnum):
    """What a hash is for; at most 16 bytes, as BLAKE2 personalisation allows."""

    DECISION_ID = "decision-id"
    DRAW = "draw"
    HOLDOUT = "holdout"
    CONTROL = "control"
    BODY = "body"
    USER = "user"
    AUDIT = "audit"
    FINGERPRINT = "fingerprint"

    # Members are looked up at every request; the enumeration's own hash is a call in Python.
    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True)
class KeyedHash:
    """BLAKE2b under the server's key.

    Attributes:
        key: 16 to 64 bytes, the same on every worker and never shown to clients: who knows it can foresee draws.
    """

    key: bytes = field(repr=False)
    _begun: dict[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 16 <= len(self.key) <= 64:
            raise ConfigError(f"expected 16 to 64 bytes, got {len(self.key)}", field="server_key")
        # The key is a block of its own: taking it in once for each domain halves the work.
        begun = {d: hashlib.blake2b(key=self.key, person=d.encode(), digest_size=16) for d in Domain}
        object.__setattr__(self, "_begun", begun)

    def digest(self, domain: Domain, *parts: str | bytes) -> bytes:
        """16 bytes; parts are length-prefixed, so that ("ab", "c") and ("a", "bc") differ."""
        state = self._begun[domain].copy()
        for part in parts:
            data = part.encode() if isinstance(part, str) else part
            state.update(_LENGTH(len(data)) + data)
        digest: bytes = state.digest()
        return digest

    def digests(self, domain: Domain, parts: Sequence[bytes], *before: str) -> list[bytes]:
        """`digest(domain, *before, part)` for many parts."""
        begun = self._begun[domain].copy()
        for text in before:
            data = text.encode()
            begun.update(_LENGTH(len(data)) + data)
        sizes = {}
        for size in set(map(len, parts)):
            sized = begun.copy()
            sized.update(_LENGTH(size))
            sizes[size] = sized.copy
        found: list[bytes] = []
        add = found.append
        if len(sizes) == 1:
            (copy,) = sizes.values()
            for part in parts:
                state = copy()
                state.update(part)
                add(state.digest())
        else:
            for part in parts:
                state = sizes[len(part)]()
                state.update(part)
                add(state.digest())
        return found

    def series(self, domain: Domain, count: int, *before: str) -> list[bytes]:
        """16 bytes for each number from 0 to `count`, four of them from one digest of 64 bytes.

        A digest's size is one of BLAKE2's parameters, so that these have nothing to do with those of `digest`.
        """
        begun = hashlib.blake2b(key=self.key, person=domain.encode(), digest_size=64)
        for text in before:
            data = text.encode()
            begun.update(_LENGTH(len(data)) + data)
        copy, made = begun.copy, []
        for number in range(-(-count // 4)):
            state = copy()
            state.update(_LENGTH(number))
            made.append(state.digest())
        found: list[bytes] = np.frombuffer(b"".join(made), dtype="V16")[:count].tolist()
        return found

    def shares(self, domain: Domain, parts: Sequence[bytes], *before: str) -> np.ndarray:
        """`share(domain, *before, part)` for many parts; shape (n,)."""
        first = np.frombuffer(b"".join(self.digests(domain, parts, *before)), dtype=">u8")[::2]
        return (first >> np.uint64(11)).astype(np.float64) / (1 << 53)

    def seeds(self, domain: Domain, parts: Sequence[bytes]) -> np.ndarray:
        """`seed(domain, part)` for many parts; shape (n,), int64."""
        first = np.frombuffer(b"".join(self.digests(domain, parts)), dtype=">u8")[::2]
        return (first >> np.uint64(1)).astype(np.int64)

    def seed(self, domain: Domain, *parts: str | bytes) -> int:
        """A 63-bit integer."""
        return int.from_bytes(self.digest(domain, *parts)[:8], "big") >> 1

    def share(self, domain: Domain, *parts: str) -> float:
        """A number in [0, 1), uniform over keys; used to assign users to shares."""
        return (int.from_bytes(self.digest(domain, *parts)[:8], "big") >> 11) / (1 << 53)
