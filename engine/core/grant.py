"""What one token allows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from engine.core.errors import InvalidInput
from engine.core.scope import Scope

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Grant:
    """A token as the server knows it: who holds it and what it is for, never the token itself.

    Attributes:
        name: Of the client, for people, limits and messages.
        digest: SHA-256 of the token, 64 hexadecimal digits. The token is 32 random bytes, so no salt is needed.
        scopes: What it allows, at least one.
        campaigns: The campaigns it is for; empty for all.
        rows_per_s: Decisions and outcomes a second, instead of the server's setting; 0 for that setting.
        created_at: When it was made; aware UTC.
    """

    name: str
    digest: str
    scopes: tuple[Scope, ...]
    campaigns: tuple[str, ...] = ()
    rows_per_s: float = 0.0
    created_at: datetime | None = None

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise InvalidInput(
                f"expected up to 100 letters, digits, '_', '-' or '.', got {self.name[:64]!r}", field="name"
            )
        if not _DIGEST.match(self.digest):
            raise InvalidInput("expected 64 hexadecimal digits, the SHA-256 of a token", field="digest")
        if not self.scopes:
            raise InvalidInput(f"expected one or more of {', '.join(Scope)}", field="scopes")
        if self.rows_per_s < 0:
            raise InvalidInput(f"expected 0 or more, got {self.rows_per_s}", field="rows_per_s")
