"""From `python -m engine serve` to the first decision, and what a worker keeps in memory, beside a bare gRPC echo.

    python benchmarks/start_speed.py [--rounds N] [--variants N]

Each round starts a server on a new folder and asks until it decides, then a bare `grpc.aio` server with uvloop that
gives back the bytes it got, and asks that. Memory is read once each has answered a thousand calls: RSS counts every
page the process has, PSS shares those that other processes map too. The server's learner is left out: it is a process
of its own, whose memory is stated beside.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.verdict import verdict
from engine.pb.armsreach.v1 import delivery_pb2

ROOT = Path(__file__).resolve().parents[1]
ECHO = """
import asyncio, sys, grpc, uvloop

class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(self.answer)
    async def answer(self, request, context):
        return request

async def main():
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    with open(sys.argv[1] + ".part", "w") as file:
        file.write(f"127.0.0.1:{port}")
    import os
    os.rename(sys.argv[1] + ".part", sys.argv[1])
    await asyncio.Event().wait()

uvloop.run(main())
"""
METHOD = "/armsreach.v1.Delivery/Decide"
LONGEST_S = 30.0


def campaign(variants: int) -> str:
    """A campaign of `variants` × 3 channels × 1 slot, 64 dimensions."""
    head = 'id = "spring"\n[schema]\ndimension = 64\n[[slots]]\nid = "now"\n'
    channels = "".join(f'[[channels]]\nid = "{name}"\n' for name in ("email", "push", "sms"))
    texts = ", ".join(f'{name} = {{ body = "x" }}' for name in ("email", "push", "sms"))
    return (
        head
        + channels
        + "".join(f'[[variants]]\nid = "v{i}"\nstate = "approved"\nchannels = {{ {texts} }}\n' for i in range(variants))
    )


def memory(pid: int) -> tuple[float, float]:
    """RSS and PSS in MB."""
    found = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if ":" in line[:20]
    )
    return float(found["Rss"].split()[0]) / 1024, float(found["Pss"].split()[0]) / 1024


def until_answered(process: subprocess.Popen[bytes], announce: Path, body: bytes, start: float) -> tuple[float, str]:
    """Seconds from `start` to the first answer, and the address."""
    deadline = start + LONGEST_S
    while not announce.exists():
        if time.perf_counter() > deadline or process.poll() is not None:
            raise SystemExit(f"no server after {LONGEST_S} s")
        time.sleep(0.002)
    address = announce.read_text()
    with grpc.insecure_channel(address) as channel:
        channel.unary_unary(METHOD)(body, timeout=LONGEST_S, wait_for_ready=True)
        return time.perf_counter() - start, address


def measured(command: list[str], folder: Path, bodies: Callable[[int], bytes]) -> tuple[float, float, float]:
    """Seconds to the first answer, and MB of RSS and PSS after a thousand more."""
    announce = folder / "address"
    start = time.perf_counter()
    process = subprocess.Popen([*command, str(announce)], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        elapsed, address = until_answered(process, announce, bodies(0), start)
        with grpc.insecure_channel(address) as channel:
            call = channel.unary_unary(METHOD)
            for n in range(1, 1_001):
                call(bodies(n), timeout=LONGEST_S)
        return elapsed, *memory(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=LONGEST_S)


def request(n: int) -> bytes:
    """A shopper with 64 dimensions."""
    embedding = np.random.default_rng(n).normal(size=64).tolist()
    asked = delivery_pb2.DecideRequest(campaign="spring", user=f"u{n}", request_id=f"r{n}", embedding=embedding)
    return bytes(asked.SerializeToString())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--variants", type=int, default=10)
    options = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    print(f"command: {' '.join(sys.argv)}   commit: {commit.strip() or 'unknown'}   cores: {os.cpu_count()}")
    print(f"python {platform.python_version()}, grpcio {grpc.__version__}, {platform.machine()}")
    ours, echo = [], []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "spring.toml").write_text(campaign(options.variants))
            config = folder / "settings.toml"
            config.write_text(
                f'data = "{folder}/data"\ncampaigns = ["spring.toml"]\n[server]\nport = 0\n[learner]\nenabled = false\n'
            )
            serve = [sys.executable, "-m", "engine", "serve", "--config", str(config), "--announce"]
            ours.append(measured(serve, folder, request))
        with tempfile.TemporaryDirectory() as name:
            echo.append(measured([sys.executable, "-c", ECHO], Path(name), request))
    for name, found in (("worker", ours), ("echo", echo)):
        seconds, rss, pss = (statistics.median(column) for column in zip(*found, strict=True))
        worst = max(row[0] for row in found)
        print(f"{name:8} first answer {seconds:.2f} s (worst {worst:.2f} s)   RSS {rss:.1f} MB   PSS {pss:.1f} MB")
    verdict(
        "start_to_first_decision_s", statistics.median(row[0] for row in ours), 2.0, "wall_clock_median", at_most=True
    )
    more = statistics.median(a[1] - b[1] for a, b in zip(ours, echo, strict=True))
    verdict("worker_rss_over_echo_mb", more, 64.0, "bare_grpc_aio_echo", at_most=True)


if __name__ == "__main__":
    main()
