"""Settings of who may call, and how much."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """Who may call, and over which connections. Names of files are as seen from the settings file.

    Attributes:
        certificate: PEM, the server's; with it, only TLS is spoken.
        key: PEM, its private key.
        client_ca: PEM, the authorities of clients; with it, only clients with a certificate of theirs are let in.
        tokens: File of tokens, see `python -m engine tokens`; with it, every call needs one.
        listen_without_credentials: Whether to listen beyond loopback without asking who calls, or in plain text.
    """

    certificate: str = ""
    key: str = ""
    client_ca: str = ""
    tokens: str = ""
    listen_without_credentials: bool = False

    def __post_init__(self) -> None:
        if bool(self.certificate) != bool(self.key):
            raise ConfigError(
                "a certificate and its key go together", field="key" if self.certificate else "certificate"
            )
        if self.client_ca and not self.certificate:
            raise ConfigError("certificates of clients need one of the server, too", field="client_ca")

    @property
    def identifies_callers(self) -> bool:
        """Whether it is known who calls, and nobody else can listen in."""
        return bool(self.certificate and (self.client_ca or self.tokens))


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What one client may ask for: the holder of a token, or an address where there are no tokens.

    Attributes:
        rows_per_s: Decisions and outcomes a second, over all workers of the host; 0 for no limit.
        burst_s: How many seconds' worth may come at once.
        decide_kb: Largest `Decide`.
        call_kb: Largest call of any other kind but `DecideBatch`, which has `server.max_message_mb`.
    """

    rows_per_s: float = 0.0
    burst_s: float = 2.0
    decide_kb: int = 256
    call_kb: int = 16384

    def __post_init__(self) -> None:
        if self.rows_per_s < 0:
            raise ConfigError(f"expected 0 or more, got {self.rows_per_s}", field="rows_per_s")
        for name in ("burst_s", "decide_kb", "call_kb"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"expected a number above 0, got {getattr(self, name)}", field=name)
