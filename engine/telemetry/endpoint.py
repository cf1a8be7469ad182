"""The metrics over HTTP, from a thread beside the event loop."""

from __future__ import annotations

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from engine.core.errors import Unavailable
from engine.extras import require
from engine.telemetry.telemetry import Telemetry

log = logging.getLogger(__name__)

_PATIENCE_S = 5.0


class MetricsEndpoint:
    """Answers `GET /metrics`. Workers share the port, and whichever answers shows the sum over all.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, telemetry: Telemetry, host: str, port: int) -> None:
        """Listen and answer.

        Args:
            telemetry: What to show.
            host: Address.
            port: 0 takes any free one.

        Raises:
            ModuleNotFoundError: Without prometheus-client, naming the command that installs it.
            Unavailable: If the address is taken.
        """
        require("telemetry", "prometheus_client")
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import choose_encoder

        from engine.telemetry.collector import SeriesCollector

        registry = CollectorRegistry()
        registry.register(SeriesCollector(telemetry.all))

        class Handler(BaseHTTPRequestHandler):
            timeout = _PATIENCE_S
            protocol_version = "HTTP/1.0"

            def do_GET(self) -> None:
                if self.path.partition("?")[0] != "/metrics":
                    self.send_error(404, "expected /metrics")
                    return
                encode, kind = choose_encoder(self.headers.get("Accept", ""))
                body = encode(registry)
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Scrapes are not worth a line each."""

        try:
            self._server = _Server((host, port), Handler)
        except OSError as error:
            raise Unavailable(
                f"cannot serve metrics on {host}:{port}: {error.strerror}; choose another telemetry.metrics_port"
            ) from None
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_port = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - as the base class calls it
        """A scraper that hangs up is no error of ours; any other is."""
        log.debug("a scrape failed", exc_info=True)
