"""Lets everybody in, within limits."""

from __future__ import annotations

from typing import Any

from engine.server.access.calls import rows_of
from engine.server.access.client_rates import Rates
from engine.server.access.sizes import Sizes


class PeerGate:
    """A `Gate` for servers without tokens; a client is known by its address alone."""

    def __init__(self, rates: Rates, sizes: Sizes) -> None:
        self._rates = rates
        self._sizes = sizes

    def admit(self, method: str, request: Any, context: Any) -> None:
        """See `Gate`.

        Raises:
            InvalidInput: If the message is too large.
            ResourceExhausted: If the client asks for too much.
        """
        if request is not None:
            self._sizes.require(method, request)
            self._rates.require(address(context.peer()), rows_of(method, request))

    def heed(self, method: str, request: Any, context: Any) -> float:
        """See `Gate`."""
        return self._rates.charge(address(context.peer()), rows_of(method, request))

    def leave(self) -> None:
        """See `Gate`."""


def address(peer: str) -> str:
    """A peer without its port, as all connections of a host count together.

    Examples:
        >>> address("ipv4:10.0.0.7:50000")
        'ipv4:10.0.0.7'
    """
    return peer.rpartition(":")[0]
