"""What it costs to ask who calls: microseconds of a `Decide`'s admission, on a real call's context.

`python benchmarks/gate_speed.py`; the open gate and grpc's own `invocation_metadata` stand beside it.
"""

from __future__ import annotations

import asyncio
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc

from engine.core.scope import Scope
from engine.pb.armsreach.v1 import delivery_pb2
from engine.server.access import ClientRates, NoRates, PeerGate, Sizes, TokenGate, Tokens
from engine.server.guarded import OpenGate
from engine.store.access import TokenFile

CALLS, ROUNDS = 5_000, 15


def per_call_us(act: Callable[[], object]) -> float:
    """Microseconds, median over rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            act()
        rounds.append((time.perf_counter() - began) / CALLS * 1e6)
    return statistics.median(rounds)


def gates(folder: Path) -> tuple[dict[str, Any], str]:
    file = TokenFile(folder / "tokens.toml")
    token = file.add("bench", [Scope.DECIDE], datetime.now(UTC), ["promo"])
    sizes = Sizes(256 << 10, 16 << 20)
    return {
        "open": OpenGate(),
        "peer, no rate": PeerGate(NoRates(), sizes),
        "peer, rate": PeerGate(ClientRates(1e9, 1.0), sizes),
        "token, no rate": TokenGate(Tokens(file), NoRates(), sizes),
        "token, rate": TokenGate(Tokens(file), ClientRates(1e9, 1.0), sizes),
    }, token


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        made, token = gates(Path(folder))
    request = delivery_pb2.DecideRequest(campaign="promo", user="u" * 16, request_id="r" * 32, embedding=[0.1] * 64)
    request.attributes["segment"].text = "new"
    figures: dict[str, float] = {}

    async def handle(_: bytes, context: Any) -> bytes:
        figures["invocation_metadata alone"] = per_call_us(context.invocation_metadata)
        for name, gate in made.items():
            figures[name] = per_call_us(lambda gate=gate: gate.admit("Decide", request, context))  # type: ignore[misc]
        return b""

    class Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, handler_call_details: Any) -> Any:  # noqa: ARG002
            return grpc.unary_unary_rpc_method_handler(handle)

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await channel.unary_unary("/bench/Admit")(b"", metadata=(("authorization", f"Bearer {token}"),))
    await server.stop(None)
    print(f"python {platform.python_version()}, grpc {grpc.__version__}, {platform.processor() or platform.machine()}")
    for name, value in figures.items():
        print(f"{name:28} {value:6.2f} µs")


if __name__ == "__main__":
    asyncio.run(main())
