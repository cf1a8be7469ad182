"""A real server with its metrics, and shoppers who come by."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from engine.client import Client, ClientOptions


@dataclass
class WatchedServer:
    """A server process that a test started; it is ended by its own process id."""

    process: subprocess.Popen[bytes]
    address: str
    metrics_port: int
    log_path: Path

    def metrics(self) -> dict[str, float]:
        """Exposed line → value."""
        with urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    @property
    def log(self) -> str:
        return self.log_path.read_text()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def watched_server(tmp_path: Path) -> Iterator[Callable[..., WatchedServer]]:
    """Starts a server; keyword arguments are lines of `[telemetry]`."""
    running: list[WatchedServer] = []

    def start(*, learner: bool = False, workers: int = 1, **telemetry: object) -> WatchedServer:
        port = free_port()
        lines = [f"{name} = {json.dumps(value)}" for name, value in telemetry.items()]
        config = tmp_path / "armsreach.toml"
        config.write_text(
            f"poll_s = 0.05\n[journal]\nmark_s = 0.2\n[learner]\nenabled = {str(learner).lower()}\npoll_s = 0.05\n"
            f"[server]\nworkers = {workers}\n[telemetry]\nmetrics_port = {port}\n" + "\n".join(lines) + "\n"
        )
        announce, log_path = tmp_path / "announce", tmp_path / "serve.log"
        with log_path.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "engine", "serve", "--config", str(config), "--data", str(tmp_path / "data"),
                 "--port", "0", "--announce", str(announce)],
                stdout=log, stderr=log, env={**os.environ, "ARMSREACH_SERVER_KEY": "ab" * 32},
            )  # fmt: skip
        ends = time.monotonic() + 20
        while not announce.exists():
            if process.poll() is not None or time.monotonic() > ends:
                process.kill()
                raise AssertionError(f"the server did not start:\n{log_path.read_text()}")
            time.sleep(0.02)
        running.append(WatchedServer(process, announce.read_text(), port, log_path))
        return running[-1]

    yield start
    for server in running:
        if server.process.poll() is None:
            server.process.terminate()
            server.process.wait(20)


def campaign(**changes: Any) -> dict[str, Any]:
    channels = {name: {"text": name} for name in ("email", "push")}
    return {
        "id": "promo",
        "schema": {"dimension": 4},
        "channels": [{"id": "email"}, {"id": "push", "needs_consent": True}],
        "slots": [{"id": "now"}],
        "variants": [
            {"id": "a", "state": "approved", "channels": channels},
            {"id": "b", "state": "draft", "channels": channels},
        ],
        "shares": {"control": 0.0, "holdout": 0.0},
        **changes,
    }


@pytest.fixture
def connect() -> Callable[[WatchedServer], Client]:
    def made(server: WatchedServer) -> Client:
        return Client(server.address, ClientOptions(deadline_ms=5_000.0))

    return made


@pytest.fixture(scope="session")
def make_campaign() -> Callable[..., dict[str, Any]]:
    return campaign
