"""How fast profiles are built, and in how much memory: a million events, then ten thousand more.

A shop is drawn: 100,000 shoppers, 20,000 products in 200 kinds, views, carts, purchases and searches with popularity
by Zipf's law. Times are processor time, since machines are shared.
The first build reads, cleans, fits and writes; the second folds ten thousand new events in. Each runs
in a process of its own, whose largest resident memory is printed; the reference is polars reading the same file.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

EVENTS, SHOPPERS, PRODUCTS, KINDS = 1_000_000, 100_000, 20_000, 200
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
FLAGS = ["--query", "query", "--value", "value", "--title", "title", "--category", "kind", "--price", "price"]


def main() -> None:
    if sys.argv[1:2] == ["--read"]:
        pl.read_csv(sys.argv[2], infer_schema=False)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_shop(root, events)
        print(f"{events:,} events, {(root / 'first.csv').stat().st_size / 1e6:.0f} MB | {platform.machine()}")
        read_s, read_mb = timed([sys.executable, __file__, "--read", str(root / "first.csv")])
        print(f"polars reads the file alone: {read_s:.2f} s, {read_mb:.0f} MB")
        build = [sys.executable, "-m", "engine", "profiles", "build", "-o", str(root / "profiles"), *FLAGS]
        first_s, first_mb = timed([*build, str(root / "first.csv"), "--products", str(root / "products.csv")])
        second_s, second_mb = timed([*build, str(root / "second.csv")])
        refit_s, _ = timed([*build, "--refit"])
    print(f"first build {first_s:.1f} s, {events / first_s:,.0f} events a second; {first_mb:.0f} MB")
    print(f"10,000 more {second_s:.1f} s, {second_mb:.0f} MB; refit {refit_s:.1f} s")
    line = "RESULT name={} value={:.4g} target={:g} reference={} {}"
    megabytes = max(first_mb, second_mb)
    print(line.format("memory_mb", megabytes, 2000, "stated", "ok" if megabytes <= 2000 else "short"))
    print(
        line.format("fold_in_over_build", second_s / first_s, 1, "first_build", "ok" if second_s < first_s else "short")
    )


def write_shop(root: Path, events: int) -> None:
    rng = np.random.default_rng(1)
    kinds = [f"{a} {b}" for a in ("red", "green", "fresh", "smart", "soft") for b in _NOUNS][:KINDS]
    ids = [f"p{n}" for n in range(PRODUCTS)]
    of_kind = rng.integers(0, len(kinds), PRODUCTS)
    titles = [f"{kinds[kind]} no {n % 97} {'abcdefghij'[n % 10] * 3}" for n, kind in enumerate(of_kind)]
    prices = np.round(rng.lognormal(2.5, 1.0, PRODUCTS), 2)
    products = pl.DataFrame({"id": ids, "title": titles, "kind": [kinds[k] for k in of_kind], "price": prices})
    products.write_csv(root / "products.csv")
    for name, n, day in (("first.csv", events, 0), ("second.csv", 10_000, 90)):
        types = rng.choice(["view", "cart", "purchase", "search"], n, p=[0.7, 0.12, 0.1, 0.08])
        items = np.array(ids)[(rng.zipf(1.3, n) - 1) % PRODUCTS]
        seconds = rng.integers(0, 90 * 86_400 if day == 0 else 86_400, n)
        at = [(BEGIN + timedelta(days=day, seconds=int(s))).isoformat() for s in seconds]
        search = types == "search"
        pl.DataFrame(
            {
                "user": [f"u{u}" for u in rng.integers(0, SHOPPERS, n)],
                "item": np.where(search, "", items),
                "type": types,
                "at": at,
                "value": np.where(types == "purchase", np.round(rng.lognormal(2.5, 1.0, n), 2).astype(str), ""),
                "query": np.where(search, np.array(kinds)[rng.integers(0, len(kinds), n)], ""),
            }
        ).write_csv(root / name)


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds of processor time and largest resident megabytes of a command."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    begin = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    print(f"  {time.perf_counter() - begin:.1f} s by the clock", flush=True)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


_NOUNS = tuple(
    noun + ending
    for noun in ("apple", "bread", "chair", "desk", "lamp", "shirt", "shoe", "soap", "tea", "towel")
    for ending in ("", " set", " pack", " box")
)


if __name__ == "__main__":
    main()
