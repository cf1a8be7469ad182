"""Whether an address can be listened on."""

from __future__ import annotations

import contextlib
import socket


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens there and this machine has the address; asked before gRPC, which writes its own lines.

    Args:
        host: Name or address; one in brackets may be IPv6.
        port: Above 0.

    Returns:
        False also where the name is not known: gRPC could not use it either.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return False
    for family, kind, protocol, _, address in found:
        with contextlib.suppress(OSError), socket.socket(family, kind, protocol) as asking:
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gRPC does: a port just left is free
            asking.bind(address)
            return True
    return False
