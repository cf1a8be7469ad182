"""How often alarms cry wolf, and how soon they find what they are for.

    python benchmarks/alarm_statistics.py

Seeded streams under the null, with the bound that each statistic states, and streams with stated shifts. The figures
stand in docs/metrics.md.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.core.monitoring import ChangeDetector, LowMeanDetector, ShareTest

SHARES = (0.05, 0.0475, 0.9025)
NEVER = 10**9


def said(name: str, alarms: int, streams: int, bound: float) -> None:
    verdict = "ok" if alarms / streams <= bound else "BROKEN"
    print(f"RESULT name={name} value={alarms / streams:.5f} target={bound:.5f} streams={streams} {verdict}")


def delays(name: str, found: Iterable[int], unit: str) -> None:
    low, middle, high = np.quantile(list(found), [0.1, 0.5, 0.9], method="higher")
    print(f"{name:<46} median {middle:>7,} {unit}, 80 % from {low:,} to {high:,}")


def first(alarms: Iterable[bool]) -> int:
    return next((i for i, alarm in enumerate(alarms, 1) if alarm), NEVER)


def shares(generator: np.random.Generator, streams: int) -> None:
    """Sample-ratio mismatch: holdout 5 %, control 5 % of the rest."""
    looks = np.unique(np.geomspace(1, 1_000_000, 80).astype(int))
    steps = np.diff(np.concatenate([[0], looks]))
    for level in (0.05, 0.001):
        test = ShareTest(SHARES, level)
        alarms = sum(
            first(map(test.rejects, np.cumsum(generator.multinomial(steps, SHARES), axis=0).tolist())) < NEVER
            for _ in range(streams)
        )
        said(f"false_sample_ratio_alarms_level_{level:g}", alarms, streams, level)
    test = ShareTest(SHARES, 0.001)
    for label, moved in (
        ("a fifth of the holdout lost (5 % to 4 %)", (0.04, 0.0475, 0.9125)),
        ("a tenth of the holdout lost (5 % to 4.5 %)", (0.045, 0.0475, 0.9075)),
        ("control doubled (4.75 % to 9.5 %)", (0.05, 0.095, 0.855)),
    ):
        found = [
            100 * first(map(test.rejects, np.cumsum(generator.multinomial([100] * 2_000, moved), axis=0).tolist()))
            for _ in range(300)
        ]
        delays(f"sample ratio, {label}", found, "users")


def changes(generator: np.random.Generator, streams: int) -> None:
    """Drift: windows of a thousand decisions at an outcome rate of 5 %, and means of contexts."""
    rate: Callable[[float, int], np.ndarray] = lambda p, n: generator.binomial(1_000, p, size=(n, 1)) / 1_000  # noqa: E731
    columns: Callable[[int], Callable[[float, int], np.ndarray]] = lambda d: lambda _, n: generator.normal(size=(n, d))  # noqa: E731
    for name, make, windows, count in (("rate", rate, 200, streams), ("64_columns", columns(64), 200, streams // 4)):
        alarms = 0
        for seed in range(count):
            detector = ChangeDetector(1 if name == "rate" else 64, np.random.default_rng(seed), 2_000.0)
            alarms += first(map(detector.add, make(0.05, windows))) < NEVER
        said(f"false_drift_alarms_{name}_in_{windows}_windows", alarms, count, windows / 2_000.0)
    for p in (0.06, 0.07, 0.03, 0.0):
        found, early = [], 0
        for seed in range(200):
            detector = ChangeDetector(1, np.random.default_rng(seed))
            early += first(map(detector.add, rate(0.05, 100))) < NEVER
            found.append(first(map(detector.add, rate(p, 400))))
        delays(f"drift, outcome rate 5 % to {p:.0%} after 100", found, "windows")
        print(f"{'':<46} {early} of 200 streams had an alarm before it")
    for shift in (2.0, 3.0):
        found = []
        for seed in range(100):
            detector = ChangeDetector(64, np.random.default_rng(seed))
            first(map(detector.add, columns(64)(0, 100)))
            moved = columns(64)(0, 400)
            moved[:, 0] += shift
            found.append(first(map(detector.add, moved)))
        delays(f"drift, one of 64 columns by {shift:g} sd of a window", found, "windows")


def collapses(generator: np.random.Generator, streams: int) -> None:
    """Entropy collapse: relative entropy should be 0.05 on average."""
    numbers, run_length = 2_000, 20_000.0
    alarms = sum(
        LowMeanDetector(0.05, run_length).add((generator.random(numbers) < 0.05).tolist()) for _ in range(streams)
    )
    said(f"false_entropy_alarms_in_{numbers}_decisions", alarms, streams, numbers / run_length)
    for mean in (0.0, 0.01, 0.02, 0.03):
        found = []
        for _ in range(100):
            detector = LowMeanDetector(0.05)
            detector.add(generator.beta(2, 3, size=1_000).tolist())
            after = generator.beta(1, 1 / mean - 1, size=5_000) if mean else np.zeros(5_000)
            found.append(first(detector.add([number]) for number in after.tolist()))
        delays(f"entropy, relative entropy falls to {mean:g}", found, "looked-at decisions")


def main() -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print("command:", "python", *sys.argv)
    print("commit: ", commit.stdout.strip() or "none", " python", platform.python_version(), " numpy", version("numpy"))
    generator = np.random.default_rng(1)
    shares(generator, 4_000)
    collapses(generator, 2_000)
    changes(generator, 2_000)


if __name__ == "__main__":
    main()
