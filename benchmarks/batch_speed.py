"""`DecideBatch` of a real server: decisions a second and core, with journal, ids and caps; memory over many users.

    python benchmarks/batch_speed.py [--rows 4096] [--messages 120] [--users 10000000]

A client process streams messages made beforehand. The figure is decisions per second of the server's CPU time, since
the client shares the machine; wall-clock figures stand beside it. With `--users`, so many shoppers stream by and the
server's memory is read along the way.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import grpc
import numpy as np

from benchmarks.serve_speed import Process
from benchmarks.serving_world import CAMPAIGN, campaign, prepare, settings_of
from benchmarks.verdict import verdict
from engine.pb.armsreach.v1 import delivery_pb2 as wire

HERE = Path(__file__).resolve().parent
METHOD = "/armsreach.v1.Delivery/DecideBatch"


def messages(rows: int, count: int) -> list[bytes]:
    """Serialised messages but for users and request id, which come behind."""
    rng = np.random.default_rng(1)
    made = []
    for _ in range(count):
        message = wire.DecideBatchRequest(
            campaign=CAMPAIGN,
            embeddings=rng.normal(size=(rows, 64)).astype("<f4").tobytes(),
            consents=["email", "push"],
        )
        message.attributes["tier"].texts.extend("ab"[i % 2] for i in range(rows))
        made.append(message.SerializeToString())
    return made


def stream(address: str, rows: int, count: int, rounds: int) -> None:
    """The client's part: run in a process of its own."""
    ready = messages(rows, min(count, 40))

    def all_of() -> Iterator[bytes]:
        for i in range(count * rounds):
            users = [f"customer-{i}-{row:07d}" for row in range(rows)]
            yield (
                ready[i % len(ready)]
                + wire.DecideBatchRequest(users=users, request_id=f"night-{i}").SerializeToString()
            )

    options = [("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 64 << 20)]
    with grpc.insecure_channel(address, options=options) as channel:
        ask = channel.stream_stream(METHOD, request_serializer=None, response_deserializer=None)
        began = time.perf_counter()
        answered = sum(1 for _ in ask(all_of()))
        print(json.dumps({"answered": answered, "seconds": time.perf_counter() - began}))


def resident_mb(pid: int) -> tuple[float, float]:
    """Resident memory of a process: its own, and the tables that workers share."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    shared = float(fields["RssShmem"].split()[0]) / 1024
    return float(fields["VmRSS"].split()[0]) / 1024 - shared, shared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--users", type=int, default=0, help="Also watch memory while so many shoppers stream by.")
    parser.add_argument("--client", default="", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        stream(options.client, options.rows, options.messages, options.rounds)
        return
    print(f"command: {' '.join(sys.argv)}")
    with tempfile.TemporaryDirectory(prefix="batch-speed-") as name:
        measure(options, Path(name))


def measure(options: argparse.Namespace, folder: Path) -> None:
    made = campaign(caps=[{"most": 4, "within_s": 86_400.0}])
    users = max(1_000_000, options.rows * options.messages, options.users)
    settings, config = settings_of(folder, learner={"enabled": False}, caps_table={"users": users})
    prepare(settings, made)
    serve = [sys.executable, "-m", "engine", "serve", "--config", str(config), "--data", settings.data, "--port", "0"]
    server = Process(serve, folder, "serve", os.sched_getaffinity(0))
    client = [sys.executable, str(HERE / "batch_speed.py"), "--client", server.address, "--rows", str(options.rows)]
    try:
        before = server.cpu_s()
        command = [*client, "--messages", str(options.messages)]
        done = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        decided = done["answered"] * options.rows
        used = server.cpu_s() - before
        print(f"{decided} decisions in {done['seconds']:.2f} s, {used:.2f} s of CPU: {decided / done['seconds']:.0f}/s")
        verdict("batch_decisions_per_core_s", decided / used, 150_000, "stated")
        if options.users:
            watch(server, client, options)
    finally:
        server.stop()


def watch(server: Process, client: list[str], options: argparse.Namespace) -> None:
    """Memory before, during and after many users."""
    rounds = -(-options.users // (options.rows * options.messages))
    start, tables = resident_mb(server.process.pid)
    running = subprocess.Popen([*client, "--messages", str(options.messages), "--rounds", str(rounds)])
    most = start
    while running.poll() is None:
        time.sleep(0.5)
        most = max(most, resident_mb(server.process.pid)[0])
    end, filled = resident_mb(server.process.pid)
    print(
        f"resident: {start:.0f} MB before, {most:.0f} MB at most, {end:.0f} MB after {options.users} users; tables of"
    )
    print(f"caps, which keep every shopper's sends, {tables:.0f} MB before and {filled:.0f} MB after")
    verdict("batch_memory_growth", most / start, 1.3, "resident_before", at_most=True)


if __name__ == "__main__":
    main()
