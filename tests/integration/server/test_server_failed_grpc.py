"""A serving process whose grpc has failed: it ends, so that whoever watches it starts it again."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from engine.client import Client, ClientOptions
from engine.core.errors import Unavailable


@pytest.mark.parametrize("watched", [False, True])
def test_a_process_whose_grpc_stops_by_itself_drains_and_says_so(tmp_path: Path, watched: bool) -> None:
    """grpc.aio's loop ends for good over an exception in it; a process that nobody can call must not stay."""
    announce, broken = tmp_path / "announce", tmp_path / "broken"
    code = f"""
import sys
from pathlib import Path
from engine.server import grpc_calls

class Core(grpc_calls._Core):
    def _make_request_call_future(self, method):
        if Path({str(broken)!r}).exists():
            raise RuntimeError("as told")
        return super()._make_request_call_future(method)

grpc_calls._Core = Core
from engine.commands import main
sys.argv = ["engine", "serve", "--data", {str(tmp_path / "data")!r}, "--port", "0", "--announce", {str(announce)!r}]
main()
"""
    said = ""
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    try:
        ends = time.monotonic() + 20
        while not announce.exists() and process.poll() is None and time.monotonic() < ends:
            time.sleep(0.02)
        with grpc.insecure_channel(announce.read_text()) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            health = stub.Watch(health_pb2.HealthCheckRequest(), timeout=30, wait_for_ready=True)
            assert next(health).status == health_pb2.HealthCheckResponse.SERVING
            if not watched:
                health.cancel()
            broken.touch()
            with Client(announce.read_text(), ClientOptions(patience_s=1.0)) as client, suppress(Unavailable):
                client.campaigns()  # what is asked for next breaks it
            if watched:  # a stream that stays open keeps nothing from ending
                assert next(health).status == health_pb2.HealthCheckResponse.NOT_SERVING
            _, said = process.communicate(timeout=20)
    finally:
        process.kill()
        said = said or process.communicate()[1]
        print(process.returncode, said)  # shown where the test fails
    assert process.returncode == 1
    assert "grpc took no more calls; start the server again" in said
    assert "draining" in said
