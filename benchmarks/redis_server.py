"""A real Redis on loopback, durable as the ledger asks for; it can be killed and started again on its port."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

WITHIN_S = 20.0


class RedisServer(AbstractContextManager["RedisServer"]):
    """A process of its own; `with` ends it. What it acknowledged is on disk, whatever kills it."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        """Start, and wait until it answers.

        Args:
            folder: For its files.
            options: More of its command line, such as `--requirepass`; they win over those that make it durable.
            port: By default a free one.

        Raises:
            RuntimeError: If it is not installed, or does not answer.
        """
        if not installed():
            raise RuntimeError("redis-server is not installed; .ci/redis.sh installs it")
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        plain = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        self._command = [*plain, "--appendonly", "yes", "--appendfsync", "always", "--logfile", "redis.log", *options]
        self.process = self._started()

    def kill(self) -> None:
        """End it without a warning; it is gone on return."""
        self.process.kill()
        self.process.wait(timeout=30)

    def start(self) -> None:
        """Start it again, over the same files."""
        self.process = self._started()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _started(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        ends = time.monotonic() + WITHIN_S
        while not self._answers():
            if process.poll() is not None or time.monotonic() > ends:
                process.kill()
                process.wait(timeout=30)
                raise RuntimeError("redis-server did not answer; see redis.log in its folder")
            time.sleep(0.01)
        return process

    def _answers(self) -> bool:
        """Whether it has read its files; while it does, and without a password, it says so or something else."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0) as asking:
            asking.sendall(b"PING\r\n")
            return asking.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        return False


def installed() -> bool:
    """Whether there is a `redis-server` to start."""
    return shutil.which("redis-server") is not None


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
