"""The reference of the serving benchmarks: a bare `grpc.aio` server on uvloop that answers with ready messages.

    python benchmarks/echo_server.py --answer FILE [--workers 1] [--port 0] --announce FILE

It parses the same `DecideRequest` and serialises the same `DecideResponse` as the real server, and does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import grpc
import uvloop

from engine.pb.armsreach.v1 import delivery_pb2 as wire
from engine.pb.armsreach.v1 import delivery_pb2_grpc


class Echo(delivery_pb2_grpc.DeliveryServicer):
    """Answers every request alike."""

    def __init__(self, answer: wire.DecideResponse) -> None:
        self._answer = answer

    async def Decide(self, request: wire.DecideRequest, context: Any) -> wire.DecideResponse:  # noqa: N802, ARG002
        """The ready answer, with the caller's request id in it."""
        answer = wire.DecideResponse()
        answer.CopyFrom(self._answer)
        answer.request_id = request.request_id
        return answer


async def serve(answer: wire.DecideResponse, port: int, announce: str) -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 1)])
    delivery_pb2_grpc.add_DeliveryServicer_to_server(Echo(answer), server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    if announce:
        part = Path(f"{announce}.part")
        part.write_text(f"127.0.0.1:{bound}")
        part.rename(announce)
    try:
        await asyncio.wait_for(server.wait_for_termination(), 3_600)
    except TimeoutError:
        await server.stop(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answer", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--announce", default="")
    options = parser.parse_args()
    answer = wire.DecideResponse.FromString(options.answer.read_bytes())
    uvloop.run(serve(answer, options.port, options.announce))


if __name__ == "__main__":
    main()
