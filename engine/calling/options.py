"""How a client behaves towards its server."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """Times and bounds of a client.

    Attributes:
        deadline_ms: How long `decide` takes at most, retries included; then the safe answer is given.
        patience_s: How long all other calls take at most, retries included; a batch stream has no such end.
        decide_retries: How often a failed `decide` is tried again, always under its request id.
        kept_fallbacks: Safe answers that wait to be reported at most; beyond, the oldest is lost and counted.
        report_every_s: Rest between two attempts to report safe answers while the server is away.
        max_message_mb: Largest message in either direction.
        token: What the server asks for, as `python -m engine tokens add` printed it; empty for a server without.
        tls: Whether to speak TLS, trusting the authorities that this machine trusts; naming a file turns it on, too.
        ca_file: PEM, the authorities to trust instead.
        certificate_file: PEM, the client's own certificate, for a server that asks for one.
        key_file: PEM, its private key.
        server_name: The name that the server's certificate has, where it is not that of the target.
    """

    deadline_ms: float = 50.0
    patience_s: float = 10.0
    decide_retries: int = 10
    kept_fallbacks: int = 10_000
    report_every_s: float = 1.0
    max_message_mb: int = 64
    token: str = field(default="", repr=False)
    tls: bool = False
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    server_name: str = ""

    def __post_init__(self) -> None:
        for name in ("deadline_ms", "patience_s", "kept_fallbacks", "report_every_s", "max_message_mb"):
            if not getattr(self, name) > 0:
                raise InvalidInput(f"expected a number above 0, got {getattr(self, name)}", field=name)
        if self.decide_retries < 0:
            raise InvalidInput(f"expected 0 or more, got {self.decide_retries}", field="decide_retries")
        if bool(self.certificate_file) != bool(self.key_file):
            raise InvalidInput(
                "a certificate and its key go together",
                field="key_file" if self.certificate_file else "certificate_file",
            )
        if not (self.token.isascii() and self.token.isprintable() and " " not in self.token):
            raise InvalidInput("expected a token as it was printed, without spaces or line breaks", field="token")

    @property
    def encrypted(self) -> bool:
        """Whether the connection is made with TLS."""
        return self.tls or bool(self.ca_file or self.certificate_file or self.server_name)

    def channel(self) -> list[tuple[str, int | str]]:
        """Options of the grpc channel.

        Retries are ours, as only we know that the request id is the same; and a server that comes back is found
        within a second, where grpc would by and by wait for two minutes. A proxy for the web is no way to a server in
        one's own network.
        """
        size = self.max_message_mb << 20
        named = [("grpc.ssl_target_name_override", self.server_name)] if self.server_name else []
        return [
            *named,
            ("grpc.enable_retries", 0),
            ("grpc.enable_http_proxy", 0),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 1_000),
            ("grpc.max_reconnect_backoff_ms", 1_000),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_receive_message_length", size),
            ("grpc.max_send_message_length", size),
        ]
