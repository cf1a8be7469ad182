"""Opens the channel that a client's options ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc

from engine.calling.options import ClientOptions
from engine.core.errors import InvalidInput


def open_channel(target: str, options: ClientOptions) -> grpc.Channel:
    """A channel of the blocking kind; nothing connects yet.

    Raises:
        InvalidInput: Naming the file that cannot be read.
    """
    if not options.encrypted:
        return grpc.insecure_channel(target, options=options.channel())
    return grpc.secure_channel(target, _credentials(options), options=options.channel())


def open_async_channel(target: str, options: ClientOptions) -> Any:
    """The same for asyncio.

    Raises:
        InvalidInput: Naming the file that cannot be read.
    """
    if not options.encrypted:
        return grpc.aio.insecure_channel(target, options=options.channel())
    return grpc.aio.secure_channel(target, _credentials(options), options=options.channel())


def metadata_of(options: ClientOptions) -> tuple[tuple[str, str], ...]:
    """What goes with every call."""
    return (("authorization", f"Bearer {options.token}"),) if options.token else ()


def _credentials(options: ClientOptions) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        _content(options.ca_file, "ca_file"),
        _content(options.key_file, "key_file"),
        _content(options.certificate_file, "certificate_file"),
    )


def _content(name: str, field: str) -> bytes | None:
    if not name:
        return None
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", field=field, file=name) from None
