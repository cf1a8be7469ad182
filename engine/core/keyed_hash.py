"""One keyed hash for every random-looking choice, with a domain for each, so that they are independent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.core.errors import ConfigError


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
            state.update(len(data).to_bytes(4, "little") + data)
        digest: bytes = state.digest()
        return digest

    def seed(self, domain: Domain, *parts: str) -> int:
        """A 63-bit integer."""
        return int.from_bytes(self.digest(domain, *parts)[:8], "big") >> 1

    def share(self, domain: Domain, *parts: str) -> float:
        """A number in [0, 1), uniform over keys; used to assign users to shares."""
        return (int.from_bytes(self.digest(domain, *parts)[:8], "big") >> 11) / (1 << 53)
