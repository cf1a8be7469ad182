"""Workers, learner and everything are killed at random moments of a loaded run: nothing is lost, nothing is doubled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_what_was_acknowledged_survives_kills(tmp_path: Path) -> None:
    """`ARMSREACH_KILLS` asks for more; `make torture` runs hundreds."""
    # With a budget and frequency caps.
    kills = os.environ.get("ARMSREACH_KILLS", "24")
    command = [
        sys.executable,
        "benchmarks/torture.py",
        "--kills",
        kills,
        "--seed",
        "7",
        "--rules",
        "--folder",
        str(tmp_path),
    ]
    limit_s = 280 if kills == "24" else None
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit_s, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "RESULT name=torture_wrong value=0 " in done.stdout
