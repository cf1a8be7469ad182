"""A real Redis on loopback, and every ledger there is."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.store.ledger import Ledger, MemoryLedger, RedisLedger, SqliteLedger


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def redis_arguments(port: int, folder: Path, *extra: str) -> list[str]:
    plain = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    return [*plain, "--appendonly", "yes", "--appendfsync", "always", "--logfile", "redis.log", *extra]


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    import redis

    with redis.Redis(port=port) as client:
        for _ in range(2000):
            assert process.poll() is None, "redis-server ended"
            try:
                client.ping()
            except redis.exceptions.AuthenticationError:
                return
            except redis.exceptions.ConnectionError:
                time.sleep(0.01)
            else:
                return
    raise AssertionError("redis-server did not answer")


@pytest.fixture(scope="session")
def start_redis() -> Iterator[Callable[..., tuple[int, subprocess.Popen[bytes]]]]:
    """Starts servers on free ports of loopback, and ends them."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed; .ci/redis.sh installs it")
    started: list[subprocess.Popen[bytes]] = []

    def start(folder: Path, *extra: str, port: int = 0) -> tuple[int, subprocess.Popen[bytes]]:
        port = port or free_port()
        process = subprocess.Popen(redis_arguments(port, folder, *extra), stdout=subprocess.DEVNULL)
        started.append(process)
        wait_for(port, process)
        return port, process

    yield start
    for process in started:
        process.kill()
        process.wait(timeout=30)


@pytest.fixture(scope="session")
def redis_port(
    start_redis: Callable[..., tuple[int, subprocess.Popen[bytes]]], tmp_path_factory: pytest.TempPathFactory
) -> int:
    return start_redis(tmp_path_factory.mktemp("redis"))[0]


@pytest.fixture(params=["sqlite", "redis", "memory"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        return f"redis://127.0.0.1:{request.getfixturevalue('redis_port')}/0|{tmp_path.name}{tmp_path.parent.name}"
    return f"{request.param}:{tmp_path / 'ledger.db'}"


def opened(url: str) -> Ledger:
    if url.startswith("redis"):
        address, prefix = url.split("|")
        return RedisLedger(address, prefix)
    return SqliteLedger(Path(url.removeprefix("sqlite:"))) if url.startswith("sqlite") else MemoryLedger()


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    made = opened(ledger_url)
    yield made
    made.close()
