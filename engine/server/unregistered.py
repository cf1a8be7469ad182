"""How a servicer is made known to grpc without a queue of its own for some of its methods."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any


class Unregistered:
    """Stands in for a `grpc.aio` server while a servicer adds itself.

    Generated code makes every method known twice: by a generic handler, and registered by its name, which goes first
    and gets a queue of its own in grpc. Calls of methods that are bounded must come by the generic way, as only that
    asks `Refusing` first, and only that is held back by `Intake`. All others keep their queues: while shoppers flood
    in, a variant can be killed and health is told.
    """

    def __init__(self, server: Any, methods: Collection[str]) -> None:
        """Stand in.

        Args:
            server: The server.
            methods: Full names, `/package.Service/Method`, of those that are not to be registered.
        """
        self._server = server
        self._methods = frozenset(methods)

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        """Pass generic handlers on."""
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Pass on those that may be registered."""
        kept = {name: handler for name, handler in handlers.items() if f"/{service}/{name}" not in self._methods}
        self._server.add_registered_method_handlers(service, kept)
