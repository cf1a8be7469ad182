"""How often intervals hold the truth, by verdict: the table that calibrates what a replay calls trusted.

Usage: python benchmarks/coverage.py [--logs 2000] [--cell NAME]... [--write docs/coverage.md] [--keep FOLDER]
                                     [--quick] [--processes 1|2]

Logs are simulated straight into arrays from shops whose true values are known; estimators, metrics, verdicts and
intervals are the product's own. With `--keep`, what was simulated is kept, so that a run goes on where one ended.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

# Each process has a core of its own; set before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.coverage_cells import CELLS, Cell, ask
from benchmarks.coverage_page import page
from benchmarks.coverage_sums import METRICS
from benchmarks.coverage_table import Share, Table
from benchmarks.quality_statistics import header
from benchmarks.verdict import verdict
from simulator.verdict import VerdictName

_AT_ONCE = 50
_SHARES = ("ctr", "ctr_per_send", "cvr")
_MONEY = ("revenue", "profit", "roi")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=2_000, help="per cell")
    parser.add_argument("--resamples", type=int, default=1_000)
    parser.add_argument("--cell", action="append", help="part of a name, repeatable; else all")
    parser.add_argument("--write", type=Path, help="Markdown file to write the tables to")
    parser.add_argument("--keep", type=Path, help="folder to keep what was simulated in")
    parser.add_argument("--quick", action="store_true", help="10 logs of the smallest cell with 200 resamples")
    parser.add_argument("--processes", type=int, choices=(1, 2), default=2)
    arguments = parser.parse_args()
    logs, resamples = (10, 200) if arguments.quick else (arguments.logs, arguments.resamples)
    names = ["common clicks 4"] if arguments.quick else arguments.cell or [""]
    cells = [cell for cell in CELLS if any(name in cell.name for name in names)]
    if not cells:
        parser.error(f"--cell: expected a part of {'; '.join(cell.name for cell in CELLS)}")
    header()
    started = time.monotonic()
    tables = []
    with ProcessPoolExecutor(arguments.processes) as pool:
        for cell in cells:
            tables.append(measured(cell, logs, resamples, arguments.keep, pool))
            print(f"\n{cell.name}: {tables[-1].logs} logs, {time.monotonic() - started:.0f} s in all", flush=True)
            for row in (*tables[-1].other_rows(), *tables[-1].bounded_rows()):
                print(row)
    text = page(tables, resamples)
    print(text)
    conclude(tables)
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")


def measured(cell: Cell, logs: int, resamples: int, keep: Path | None, pool: ProcessPoolExecutor) -> Table:
    """Simulate a cell in parts, each from a seed of its own."""
    parts = range(-(-logs // _AT_ONCE))
    sizes = [min(_AT_ONCE, logs - _AT_ONCE * part) for part in parts]
    futures = [pool.submit(_part, cell, size, resamples, part, keep) for part, size in zip(parts, sizes, strict=True)]
    return Table.of(cell, [future.result() for future in futures])


def _part(cell: Cell, logs: int, resamples: int, part: int, keep: Path | None) -> dict[str, np.ndarray]:
    path = None if keep is None else keep / f"{cell.name.replace(' ', '_')}-{resamples}-{logs}-{part}.npz"
    if path is not None and path.exists():
        with np.load(path) as kept:
            return dict(kept)
    made = dict(ask(cell, logs, resamples, seed=10_000 * CELLS.index(cell) + part))
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **made)
    return made


def conclude(tables: Sequence[Table]) -> None:
    """Hold the worst figures of the cells that are called trusted against the targets.

    The least is taken among the trusted logs and over all of a cell's; the most over all, since among the trusted it
    says as much of the verdict's pick as of the interval.
    """
    trusted = [(table, metric) for table in tables for metric in METRICS if table.called(metric) is VerdictName.TRUSTED]
    shares, money = ([one for one in trusted if one[1] in metrics] for metrics in (_SHARES, _MONEY))
    _line("coverage_trusted_shares_least", min, [*_all(shares, judged=True), *_all(shares, judged=False)], 93.0)
    _line("coverage_trusted_shares_most", max, _all(shares, judged=False), 97.0, at_most=True)
    _line("coverage_trusted_money_least", min, [*_all(money, judged=True), *_all(money, judged=False)], 92.0)
    _line("coverage_bounded_least", min, [share for table in tables for _, share in table.bounded()], 95.0)


def _all(cells: Sequence[tuple[Table, str]], *, judged: bool) -> list[Share]:
    return [share for table, metric in cells for share in table.default(metric, judged=judged)]


def _line(
    name: str, worst: Callable[..., Share], shares: Sequence[Share], target: float, *, at_most: bool = False
) -> None:
    if not shares:
        return
    found = worst(shares, key=lambda share: share.value)
    verdict(name, found.value, target, f"of_{len(shares)}_figures,Monte_Carlo_error_{found.error:.2f}", at_most=at_most)


if __name__ == "__main__":
    main()
