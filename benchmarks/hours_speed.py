"""What quiet hours and slots cost a decision, beside a bare dictionary look-up in the same run.

    python benchmarks/hours_speed.py

Each figure is a line: name, value, unit; those of the rule's usual path with their ratio to the look-up.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from zoneinfo import available_timezones

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.core.campaign import Campaign
from engine.core.context import Context
from engine.core.reading import read
from engine.core.rules import Hours, Inquiry

CHANNELS = ("email", "push", "sms")
AT = datetime(2026, 6, 1, 22, tzinfo=UTC)
MINUTE = int(AT.timestamp()) // 60


def campaign(variants: int) -> Campaign:
    """Three channels of which two have quiet hours, two slots of which one has hours."""
    texts = {channel: {"text": "t"} for channel in CHANNELS}
    return read(
        Campaign,
        {
            "id": "hours",
            "channels": [{"id": channel} for channel in CHANNELS],
            "slots": [
                {"id": "now"},
                {"id": "evening", "from_time": "18:00", "to_time": "21:00", "delay_s": 43_200.0},
            ],
            "quiet_hours": [{"from_time": "21:00", "to_time": "08:00", "channels": ["push", "sms"]}],
            "variants": [{"id": f"v{i}", "state": "approved", "channels": texts} for i in range(variants)],
        },
    )


def cpu() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def microseconds(call: Callable[[], object], number: int = 100_000) -> float:
    """The best of five runs, for one call."""
    return min(timeit.repeat(call, number=number, repeat=5)) / number * 1e6


def measure(variants: int, bare: float) -> None:
    """Print the figures for one size of catalogue."""
    made = campaign(variants)
    catalogue = made.catalogue()
    rule = Hours(catalogue, made.quiet_hours, made.time_zone)
    inquiry = Inquiry(Context(np.zeros(0, dtype=np.float32)), AT, time_zone="Europe/Berlin")
    for name, call in (
        ("key", lambda: rule.key(inquiry)),
        ("pattern", lambda: rule.pattern("Europe/Berlin", MINUTE)),
        ("excluded", lambda: rule.excluded(inquiry)),
    ):
        value = microseconds(call)
        print(f"{len(catalogue):>6} arms  {name:<34} {value:8.3f} µs  {value / bare:5.1f} × a look-up")
    minutes = iter(range(MINUTE + 1, MINUTE + 1_000_000))
    value = microseconds(lambda: rule.pattern("Europe/Berlin", next(minutes)), 2_000)
    print(f"{len(catalogue):>6} arms  {'pattern, first of a minute':<34} {value:8.3f} µs")
    zones = sorted(available_timezones() - {"localtime", "Factory"})
    value = timeit.timeit(lambda: [rule.pattern(zone, MINUTE) for zone in zones], number=1) / len(zones) * 1e6
    print(f"{len(catalogue):>6} arms  {f'pattern, first of {len(zones)} zones':<34} {value:8.3f} µs")


def main() -> None:
    """Print the machine, the reference and the figures."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print("command:", "python", *sys.argv)
    print("commit: ", commit.stdout.strip() or "none")
    print("CPU:    ", cpu(), "Python", platform.python_version())
    print("numpy:  ", version("numpy"), "tzdata", version("tzdata"))
    known = {("Europe/Berlin", MINUTE): b"\0"}
    bare = microseconds(lambda: known["Europe/Berlin", MINUTE])
    print(f"bare look-up of (zone, minute)                  {bare:8.3f} µs")
    for variants in (5, 1_700):
        measure(variants, bare)


if __name__ == "__main__":
    main()
