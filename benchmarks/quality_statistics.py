"""Paired means over seeds, and how they are printed."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.stats import t as student

_PACKAGES = ("numpy", "scipy", "scikit-learn", "vowpalwabbit", "mabwiser")


@dataclass(frozen=True, slots=True)
class Paired:
    """Mean of per-seed numbers with Student's interval; differences of two players on one seed are such numbers."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float], level: float = 0.95) -> Paired:
        """Mean and interval of one number per seed."""
        array = np.asarray(values, dtype=np.float64)
        mean = float(array.mean())
        if len(array) < 2:
            return cls(mean, float("-inf"), float("inf"))
        half = float(student.ppf((1 + level) / 2, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array)))
        return cls(mean, mean - half, mean + half)

    def __str__(self) -> str:
        return f"{self.mean:+.5f} [{self.low:+.5f}, {self.high:+.5f}]"


def header() -> None:
    """Say what ran, where, and with which versions."""
    root = Path(__file__).resolve().parents[1]
    commit = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    print(f"command: {' '.join(sys.argv)}")
    print(f"commit: {commit.stdout.strip() or 'unknown'}  cpu: {os.cpu_count()} × {_cpu()}")
    print(f"python {platform.python_version()}  " + "  ".join(f"{name} {version(name)}" for name in _PACKAGES))


def result(name: str, value: str, reference: str, ok: bool) -> None:
    """One line for machines: the target is to do no worse than the reference, beyond doubt where it says so."""
    print(
        f"RESULT name={name} value={value} target={reference} reference={reference} {'ok' if ok else 'short'}",
        flush=True,
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
