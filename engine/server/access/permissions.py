"""What the holder of a token may call, looked up quickly."""

from __future__ import annotations

from typing import Any

from engine.core.errors import PermissionDenied
from engine.core.grant import Grant
from engine.server.access.calls import SCOPES, campaign_of


class Permissions:
    """A grant, made ready for a check at every call.

    Attributes:
        grant: What it was made from.
        methods: Names of the calls that the scopes allow.
        digest: SHA-256 of the token, 32 bytes.
        campaigns: The only ones it is for; empty for all.
    """

    __slots__ = ("campaigns", "digest", "grant", "methods")

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.digest = bytes.fromhex(grant.digest)
        self.methods = frozenset(method for method, scope in SCOPES.items() if scope in grant.scopes)
        self.campaigns = frozenset(grant.campaigns)

    def denied(self, method: str) -> PermissionDenied:
        """What to raise where no scope of the token covers a call."""
        scope = SCOPES.get(method)
        needed = f"the scope {scope}" if scope else "a scope that there is not"
        return PermissionDenied(
            f"token {self.grant.name}: {method} needs {needed}, and it has {', '.join(self.grant.scopes)}; ask whoever"
            " runs the server for a token with it"
        )

    def require_campaign(self, method: str, request: Any) -> None:
        """Check the campaign, where the token is for some only.

        Raises:
            PermissionDenied: If the request is about another one, or about none.
        """
        if campaign_of(method, request) not in self.campaigns:
            raise PermissionDenied(
                f"token {self.grant.name}: it is for the campaigns {', '.join(sorted(self.campaigns))}, and {method} is"
                " about another, or names none; name one of them, or ask for a token that covers it"
            )
