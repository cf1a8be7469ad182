"""What is particular to Redis: it must not forget, and it may be away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.redis_server import RedisServer
from engine.core.errors import CorruptState, FailedPrecondition, InvalidInput, Unavailable
from engine.store.ledger import RedisLedger, Request

Start = Callable[..., RedisServer]
A = "spring/budget"


def test_a_redis_that_may_forget_is_refused(start_redis: Start, tmp_path: Path) -> None:
    url = start_redis(tmp_path, "--appendonly", "no", "--maxmemory-policy", "allkeys-lru", "--appendfsync", "no").url
    with pytest.raises(FailedPrecondition, match="appendonly no, maxmemory-policy allkeys-lru, appendfsync no"):
        RedisLedger(url)
    RedisLedger(url, unsafe=True).close()


def test_grants_survive_a_kill_of_redis_and_while_it_is_away_nothing_is_granted(
    start_redis: Start, tmp_path: Path
) -> None:
    server = start_redis(tmp_path)
    ledger = RedisLedger(server.url)
    epoch = ledger.open("w0", [A])[0].epoch
    assert ledger.lease("w0", [Request(A, epoch, 1, 70, 100, 1)])[0].granted == 70
    server.kill()
    with pytest.raises(Unavailable, match=rf"redis 127\.0\.0\.1:{server.port}: .*see that Redis runs"):
        ledger.lease("w0", [Request(A, epoch, 2, 70, 100, 1)])
    server.start()
    assert ledger.lease("w0", [Request(A, epoch, 2, 70, 100, 1)])[0].granted == 100
    ledger.close()


def test_errors_name_the_place_and_no_password(start_redis: Start, tmp_path: Path) -> None:
    port = start_redis(tmp_path, "--requirepass", "s3cret-of-the-shop").port
    with pytest.raises(Unavailable, match="credentials were refused") as caught:
        RedisLedger(f"redis://:wrong-s3cret@127.0.0.1:{port}")
    assert "s3cret" not in str(caught.value)
    RedisLedger(f"redis://:s3cret-of-the-shop@127.0.0.1:{port}").close()


def test_no_redis_there_is_unavailable_and_no_url_is_refused() -> None:
    with pytest.raises(Unavailable, match="see that Redis runs"):
        RedisLedger("redis://127.0.0.1:1")
    with pytest.raises(InvalidInput, match=r"redis://localhost:6379/0"):
        RedisLedger("localhost")


def test_another_programs_key_is_not_touched(redis_port: int, tmp_path: Path) -> None:
    import redis

    prefix = f"foreign-{tmp_path.name}"
    with redis.Redis(port=redis_port) as client:
        client.set(f"{prefix}:ledger:{A}", "theirs")
        ledger = RedisLedger(f"redis://127.0.0.1:{redis_port}", prefix)
        with pytest.raises(CorruptState, match="give another prefix"):
            ledger.open("w0", [A])
        ledger.close()
        assert client.get(f"{prefix}:ledger:{A}") == b"theirs"
