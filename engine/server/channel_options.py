"""What grpc itself is told about connections, messages and queues."""

from __future__ import annotations

from engine.config import ServerSettings

_SIGN_OF_LIFE_MS = 10_000
_PINGS_ALLOWED_MS = 5_000
_QUEUED = 16


def channel_options(settings: ServerSettings) -> list[tuple[str, int]]:
    """Options of the listening side.

    Calls wait in `Intake`. Behind that grpc's core has a queue of its own for each method, which fills only in a flood.
    It is kept short, as what waits there can be told nothing: beyond it grpc turns calls away as CANCELLED.
    """
    size = settings.max_message_mb << 20
    options = [
        ("grpc.max_receive_message_length", size),
        ("grpc.max_send_message_length", size),
        ("grpc.so_reuseport", int(settings.workers > 1)),
        ("grpc.server.max_pending_requests", _QUEUED),
        ("grpc.server.max_pending_requests_hard_limit", 2 * _QUEUED),
        ("grpc.keepalive_time_ms", int(1e3 * settings.keepalive_s)),
        ("grpc.keepalive_timeout_ms", _SIGN_OF_LIFE_MS),
        ("grpc.http2.min_ping_interval_without_data_ms", _PINGS_ALLOWED_MS),
        ("grpc.max_connection_idle_ms", int(1e3 * settings.connection_idle_s)),
    ]
    if settings.connection_age_s:
        options.append(("grpc.max_connection_age_ms", int(1e3 * settings.connection_age_s)))
    return options
