"""Lets in who has a token for the call."""

from __future__ import annotations

from typing import Any

from engine.server.access.calls import rows_of
from engine.server.access.client_rates import Rates
from engine.server.access.permissions import Permissions
from engine.server.access.sizes import Sizes
from engine.server.access.tokens import Tokens

_HEADER = "authorization"


class TokenGate:
    """A `Gate` that asks for a bearer token, its scope, its campaigns and its rate, in this order."""

    def __init__(self, tokens: Tokens, rates: Rates, sizes: Sizes) -> None:
        self._tokens = tokens
        self._rates = rates
        self._sizes = sizes

    def admit(self, method: str, request: Any, context: Any) -> None:
        """See `Gate`. The messages of a stream are looked at one by one, by `heed`.

        Raises:
            Unauthenticated: Without a valid token.
            PermissionDenied: If it is not for this call, or not for this campaign.
            InvalidInput: If the message is too large.
            ResourceExhausted: If the client asks for too much.
        """
        permissions = self._permissions(method, context)
        if request is None:
            return
        if permissions.campaigns:
            permissions.require_campaign(method, request)
        self._sizes.require(method, request)
        grant = permissions.grant
        self._rates.require(grant.name, rows_of(method, request), grant.rows_per_s)

    def heed(self, method: str, request: Any, context: Any) -> float:
        """See `Gate`. A token that was revoked ends its streams, too.

        Raises:
            Unauthenticated: If the token is not valid any more.
            PermissionDenied: If it is not for this campaign.
        """
        permissions = self._permissions(method, context)
        if permissions.campaigns:
            permissions.require_campaign(method, request)
        grant = permissions.grant
        return self._rates.charge(grant.name, rows_of(method, request), grant.rows_per_s)

    def leave(self) -> None:
        """See `Gate`."""

    def _permissions(self, method: str, context: Any) -> Permissions:
        header = ""
        for name, value in context.invocation_metadata() or ():
            if name == _HEADER:
                header = value
                break
        permissions = self._tokens.of_header(header)
        if method not in permissions.methods:
            raise permissions.denied(method)
        return permissions
