"""Unary `Decide` beside a bare echo of the same messages: throughput, CPU a request, and p99 at half load.

    python benchmarks/serve_speed.py [--pairs 10] [--seconds 4] [--workers 1]

The load comes from processes of their own (benchmarks/wire_load.py). Server and echo take turns, `--pairs` times, and
half as often at half load; medians count. Where there are two cores, servers run on one and the load on the other.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving_world import campaign, prepare, requests, sample_answer, settings_of, write_bodies
from benchmarks.verdict import verdict
from engine.core.scope import Scope
from engine.store.access import TokenFile

HERE = Path(__file__).resolve().parent
METHOD = "/armsreach.v1.Delivery/Decide"
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Process:
    """A server under test, pinned to its cores, ended by its own process id."""

    def __init__(self, command: list[str], folder: Path, name: str, cores: set[int]) -> None:
        self.others: list[Process] = []
        self.announce = folder / f"{name}.address"
        self.announce.unlink(missing_ok=True)
        self._log = (folder / f"{name}.log").open("wb")
        self.process = subprocess.Popen(
            [*command, "--announce", str(self.announce)], stdout=self._log, stderr=self._log,
            env={**os.environ, "ARMSREACH_SERVER_KEY": "ab" * 32},
        )  # fmt: skip
        os.sched_setaffinity(self.process.pid, cores)
        ends = time.monotonic() + 30
        while not self.announce.exists():
            if self.process.poll() is not None or time.monotonic() > ends:
                self.process.kill()
                raise SystemExit(f"{name} did not start: {(folder / f'{name}.log').read_text()}")
            time.sleep(0.02)
        self.address = self.announce.read_text()

    def pids(self) -> list[int]:
        """The process and those that it started."""
        found = [self.process.pid, *(pid for other in self.others for pid in other.pids())]
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                except (OSError, IndexError):
                    continue
                if parent in found:
                    found.append(int(entry.name))
        return found

    def cpu_s(self) -> float:
        """CPU time so far, user and system, of all its processes."""
        total = 0
        for pid in self.pids():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            total += int(fields[11]) + int(fields[12])
        return total / CLOCK_TICKS

    def stop(self) -> None:
        """End it."""
        for other in self.others:
            other.stop()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()


def load(server: Process, bodies: Path, seconds: float, cores: set[int], **options: object) -> dict[str, float]:
    """One run of the load generator, with the server's CPU per answered request in µs."""
    command = [
        sys.executable,
        str(HERE / "wire_load.py"),
        server.address,
        METHOD,
        str(bodies),
        "--seconds",
        str(seconds),
    ]
    command += [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    before = server.cpu_s()
    command = ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    found["cpu_us"] = 1e6 * (server.cpu_s() - before) / max(found["answered"], 1)
    return found


def sync_ms(folder: Path) -> float:
    """Median of a 500-byte write and fdatasync."""
    fd = os.open(folder / "sync", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    waits = []
    for _ in range(200):
        start = time.perf_counter()
        os.write(fd, b"x" * 500)
        os.fdatasync(fd)
        waits.append(1e3 * (time.perf_counter() - start))
    os.close(fd)
    return statistics.median(waits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--workers", type=int, default=1, help="Serving processes, of both servers.")
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--keep", type=Path, default=None, help="Keep the data folder here.")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    mine, theirs = ({cores[-1]}, {cores[0]}) if len(cores) > 1 else (set(cores), set(cores))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"command: {' '.join(sys.argv)}\ncommit: {commit.stdout.strip()}  cpu: {len(cores)} × {platform.machine()}")
    with tempfile.TemporaryDirectory(prefix="serve-speed-") as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        measure(options, folder, mine, theirs)


def measure(options: argparse.Namespace, folder: Path, mine: set[int], theirs: set[int]) -> None:
    # Kept for every shopper, and seldom reached, so that all 30 arms stay eligible.
    made = campaign(caps=[{"most": 20, "within_s": 86_400.0}, {"most": 20, "within_s": 86_400.0, "channel": "push"}])
    tokens = TokenFile(folder / "tokens")
    token = tokens.add("shop", [Scope.DECIDE], datetime(2026, 1, 1, tzinfo=UTC), (made.id,), 0.0)
    settings, config = settings_of(
        folder,
        learner={"enabled": False},
        request_ids={"capacity": 2_000_000},
        security={"tokens": str((folder / "tokens").resolve())},
        limits={"rows_per_s": 1_000_000.0},
        server={"workers": options.workers},
    )
    prepare(settings, made)
    count = int(options.pairs * options.seconds * 12_000)
    bodies, answer = folder / "bodies", folder / "answer"
    write_bodies(bodies, requests(made, count, options.users))
    answer.write_bytes(sample_answer(made).SerializeToString())
    serve = [sys.executable, "-m", "engine", "serve", "--config", str(config), "--data", settings.data, "--port", "0"]
    if options.workers > 1:  # the load shares the cores then, with both servers alike
        mine = theirs = mine | theirs
    ours = Process(serve, folder, "serve", mine)
    echo_command = [sys.executable, str(HERE / "echo_server.py"), "--answer", str(answer)]
    echo = Process(echo_command, folder, "echo", mine)
    port = echo.address.rsplit(":", 1)[1]
    for i in range(1, options.workers):
        echo.others.append(Process([*echo_command, "--port", port], folder, f"echo-{i}", mine))
    used, ratios, rows = 0, [], []
    try:
        for pair in range(options.pairs):
            run = {}
            for name, server in (("echo", echo), ("serve", ours)) if pair % 2 else (("serve", ours), ("echo", echo)):
                run[name] = load(
                    server, bodies, options.seconds, theirs, in_flight=options.in_flight, skip=used, token=token
                )
                if name == "serve":
                    used += int(run[name]["answered"] + run[name]["unfinished"] + run[name]["failed"]) + 1
            rows.append(run)
            ratios.append(run["serve"]["rps"] / run["echo"]["rps"])
            print(
                f"pair {pair}: serve {run['serve']['rps']:.0f}/s {run['serve']['cpu_us']:.0f} µs  echo"
                f" {run['echo']['rps']:.0f}/s {run['echo']['cpu_us']:.0f} µs  ratio {ratios[-1]:.3f}"
                f"  failed {run['serve']['failed']:.0f}",
                flush=True,
            )
        half: dict[str, list[float]] = {"echo": [], "serve": []}
        for pair in range(max(options.pairs // 2, 1)):  # one run alone says what the machine did meanwhile
            for name, server in (("echo", echo), ("serve", ours)) if pair % 2 else (("serve", ours), ("echo", echo)):
                rate = statistics.median(row[name]["rps"] for row in rows) / 2
                skip = used if name == "serve" else 0
                found = load(server, bodies, options.seconds, theirs, rate=rate, skip=skip, token=token)
                used += int(rate * options.seconds) + 1 if name == "serve" else 0
                half[name].append(found["p99_ms"])
                print(f"{name} at {rate:.0f}/s: " + json.dumps({k: round(v, 3) for k, v in found.items()}), flush=True)
    finally:
        ours.stop()
        echo.stop()
    sync = sync_ms(folder)
    cpu = {name: statistics.median(row[name]["cpu_us"] for row in rows) for name in ("serve", "echo")}
    print(f"cpu_us serve {cpu['serve']:.0f} echo {cpu['echo']:.0f}; one write and fdatasync {sync:.3f} ms")
    name = "decide_throughput" if options.workers == 1 else f"decide_throughput_{options.workers}_workers"
    verdict(name, statistics.median(ratios), 0.8, "echo_rps")
    p99 = {name: statistics.median(values) for name, values in half.items()}
    limit = 2 * p99["echo"] + sync
    verdict("decide_p99_half_load_ms", p99["serve"], limit, "2_echo_p99_plus_sync", at_most=True)


if __name__ == "__main__":
    main()
