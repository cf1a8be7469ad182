"""Five times as many `Decide` calls as the server can answer: what is let in stays fast, and memory stays bounded.

    python benchmarks/overload_speed.py [--seconds 5] [--times 5]

Normal is the same server at half its capacity, measured in the same run. Where there are two cores the server has one
and the load the other: one process with 16 connections (benchmarks/wire_load.py), which sends ready HTTP/2 frames on a
fixed schedule whatever the server does, minds no bound on streams, never tries again, and counts what came by status
(0 answered, 8 RESOURCE_EXHAUSTED, 1 CANCELLED).

What else the machine does disturbs rates and waits; the server's CPU for each answer, refusals included, least.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serve_speed import Process, load
from benchmarks.serving_world import campaign, prepare, requests, settings_of, write_bodies
from benchmarks.verdict import verdict

CONNECTIONS = 16


def rss_mb(server: Process) -> float:
    """Resident memory of the server's processes."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in server.pids())
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--times", type=float, default=5.0)
    parser.add_argument("--max-pending", type=int, default=64)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    mine, theirs = ({cores[-1]}, {cores[0]}) if len(cores) > 1 else (set(cores), set(cores))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"command: {' '.join(sys.argv)}\ncommit: {commit.stdout.strip()}  cpu: {len(cores)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="overload-") as name:
        folder = Path(name)
        made = campaign()
        settings, config = settings_of(
            folder,
            learner={"enabled": False},
            request_ids={"capacity": 2_000_000},
            server={"max_pending": options.max_pending},
        )
        prepare(settings, made)
        bodies = folder / "bodies"
        write_bodies(bodies, requests(made, int(options.seconds * (options.times + 3) * 7_000), 200_000))
        serve = [sys.executable, "-m", "engine", "serve", "--config", str(config), "--data", settings.data]
        server = Process([*serve, "--port", "0"], folder, "serve", mine)
        try:
            measure(options, server, bodies, theirs)
        finally:
            server.stop()


def measure(options: argparse.Namespace, server: Process, bodies: Path, theirs: set[int]) -> None:
    used = 0

    def run(name: str, **how: float) -> dict[str, float]:
        nonlocal used
        found = load(server, bodies, options.seconds, theirs, skip=used, connections=CONNECTIONS, **how)
        used += int(found["answered"] + found["failed"] + found["unfinished"]) + 1
        print(f"{name}: " + json.dumps({key: round(value, 2) for key, value in found.items()}), flush=True)
        return found

    run("warm", in_flight=64)
    capacity = run("capacity", in_flight=64)
    normal = run("half", rate=capacity["rps"] / 2)
    before = rss_mb(server)
    flooded = run(f"{options.times:g} ×", rate=options.times * capacity["rps"], from_sending=1)
    after = rss_mb(server)
    again = run("half again", rate=capacity["rps"] / 2)
    shed = flooded["failed"] / max(flooded["answered"] + flooded["failed"] + flooded["unfinished"], 1)
    print(f"shed {shed:.1%}; memory {before:.0f} MB before, {after:.0f} MB after", flush=True)
    verdict("overload_p99_ms", flooded["p99_ms"], 3 * capacity["p99_ms"], "3_p99_at_capacity", at_most=True)
    verdict("overload_p99_over_half_load", flooded["p99_ms"] / normal["p99_ms"], 3, "p99_at_half_load", at_most=True)
    verdict("overload_goodput", flooded["rps"] / capacity["rps"], 0.5, "capacity_rps")
    verdict("overload_cpu_an_answer", flooded["cpu_us"] / capacity["cpu_us"], 1.5, "cpu_us_at_capacity", at_most=True)
    verdict("overload_memory_mb", after - before, 100, "memory_before", at_most=True)
    verdict("overload_recovery", again["p99_ms"] / normal["p99_ms"], 2, "p99_at_half_load", at_most=True)


if __name__ == "__main__":
    main()
