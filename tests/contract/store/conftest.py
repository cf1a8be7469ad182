"""A real Redis on loopback, and every ledger there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.redis_server import RedisServer, installed
from engine.store.ledger import Ledger, MemoryLedger, RedisLedger, SqliteLedger


@pytest.fixture(scope="session")
def start_redis() -> Iterator[Callable[..., RedisServer]]:
    """Starts servers on free ports of loopback, and ends them."""
    if not installed():
        pytest.skip("redis-server is not installed; .ci/redis.sh installs it")
    started: list[RedisServer] = []

    def start(folder: Path, *options: str) -> RedisServer:
        started.append(RedisServer(folder, *options))
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def redis_port(start_redis: Callable[..., RedisServer], tmp_path_factory: pytest.TempPathFactory) -> int:
    return start_redis(tmp_path_factory.mktemp("redis")).port


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
