"""How well our defaults decide: in the shop with known truth, for a new variant, and on a real experiment.

Usage: python benchmarks/quality.py [--quick] [--part shop,cold,hillstrom] [--settings FILE] [--processes 1|2]

The full run plays 20 seeds of 20,000 decisions in three regimes through the real service; `--quick` a few small ones.
Settings are chosen on seeds from 100 on, and reported on seeds 0 to 19.
"""

from __future__ import annotations

import argparse
import logging
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.quality_cold_start import measure_cold_start
from benchmarks.quality_hillstrom import data_file, measure_hillstrom
from benchmarks.quality_policy import PolicySettings
from benchmarks.quality_shop import REGIMES, TUNING_SEED, ShopBench
from benchmarks.quality_statistics import header
from engine.config import read_toml
from engine.core.reading import read

PARTS = ("shop", "cold", "hillstrom")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="3 seeds of 4,000 decisions, a part of Hillstrom")
    parser.add_argument("--part", default=",".join(PARTS), help="which of shop, cold, hillstrom")
    parser.add_argument("--regime", default=",".join(REGIMES), help="which of the shop's regimes")
    parser.add_argument("--seeds", type=int, help="how many, from 0 on")
    parser.add_argument("--decisions", type=int, help="instead of 20,000")
    parser.add_argument("--settings", type=Path, help="TOML with learning, exploration, publishing; else the defaults")
    parser.add_argument("--processes", type=int, choices=(1, 2), default=2)
    arguments = parser.parse_args()
    parts, regimes = arguments.part.split(","), arguments.regime.split(",")
    for name, known in ((p, PARTS) for p in parts):
        if name not in known:
            parser.error(f"--part: expected {', '.join(known)}, got {name}")
    for name in regimes:
        if name not in REGIMES:
            parser.error(f"--regime: expected {', '.join(REGIMES)}, got {name}")
    seeds = range(arguments.seeds or (3 if arguments.quick else 20))
    decisions = arguments.decisions or (4_000 if arguments.quick else 20_000)
    policy = PolicySettings()
    if arguments.settings:
        policy = read(PolicySettings, read_toml(arguments.settings), file=str(arguments.settings))
    # Purchases of shoppers whom no decision covers are set aside at every step; that is the shop, not a fault.
    logging.getLogger("engine").setLevel(logging.ERROR)
    header()
    print(f"settings: {policy}")
    with ProcessPoolExecutor(arguments.processes) as pool:
        if "shop" in parts:
            tuning = range(TUNING_SEED, TUNING_SEED + (1 if arguments.quick else 2))
            bench = ShopBench(seeds, tuning, decisions, policy, pool)
            for regime in regimes:
                bench.measure(regime)
        if "cold" in parts:
            measure_cold_start(seeds, decisions // 2, decisions // 2, policy, pool)
    if "hillstrom" in parts:
        path = data_file()
        if path is None:
            print("\nHillstrom: skipped, as ARMSREACH_DATA has no hillstrom folder")
        else:
            measure_hillstrom(path, policy.learning, 10_000 if arguments.quick else None)


if __name__ == "__main__":
    main()
