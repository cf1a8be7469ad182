"""What grpc itself is told about connections, messages and queues."""

from __future__ import annotations

from engine.config import ServerSettings

_SIGN_OF_LIFE_MS = 10_000
_PINGS_ALLOWED_MS = 5_000


def channel_options(settings: ServerSettings) -> list[tuple[str, int]]:
    """Options of the listening side.

    Under overload calls wait inside grpc before any handler hears of them, as `Intake` takes over no more than there is
    room for. That queue has a bound, too, beyond which grpc turns them away by itself: for some 18 µs each, but as
    CANCELLED, as it knows no better. From `max_pending` waiting calls on some are turned away so, from twice that on
    all. It has to take in what comes while a block of decisions is made, so a much shorter one would run dry.
    """
    size = settings.max_message_mb << 20
    options = [
        ("grpc.max_receive_message_length", size),
        ("grpc.max_send_message_length", size),
        ("grpc.so_reuseport", int(settings.workers > 1)),
        ("grpc.server.max_pending_requests", settings.max_pending),
        ("grpc.server.max_pending_requests_hard_limit", 2 * settings.max_pending),
        ("grpc.keepalive_time_ms", int(1e3 * settings.keepalive_s)),
        ("grpc.keepalive_timeout_ms", _SIGN_OF_LIFE_MS),
        ("grpc.http2.min_ping_interval_without_data_ms", _PINGS_ALLOWED_MS),
        ("grpc.max_connection_idle_ms", int(1e3 * settings.connection_idle_s)),
    ]
    if settings.connection_age_s:
        options.append(("grpc.max_connection_age_ms", int(1e3 * settings.connection_age_s)))
    return options
