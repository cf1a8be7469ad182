"""Logs of a small shop whose truth is known, and sweeps of them in a process of their own."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

START = datetime(2026, 1, 1, tzinfo=UTC)
#: Click rates: warm copy is right in the north, cool copy in the south.
RATES = {("warm", "north"): 0.5, ("warm", "south"): 0.1, ("cool", "north"): 0.1, ("cool", "south"): 0.5}
SPACE: dict[str, Any] = {
    "metric": "ctr",
    "policies": ["uniform", "constant:warm/email/am"],
    "halving": {"rungs": 2},
    "exploration": [{"kind": "epsilon_greedy", "epsilon": [0.1, 0.5]}, {"kind": "softmax", "lambda": 3.0}],
    "learning": {"learning_rate": [0.1, 0.5], "interactions": [["XV"]], "bits": 12},
}


def _records(
    n: int, *, seed: int = 0, told: bool = True, timed: bool = True, hold: bool = True
) -> Iterator[dict[str, Any]]:
    """Yield uniform decisions; with `told` false every arm is alike, whoever is asked."""
    random = np.random.default_rng(seed)
    arms = ["warm/email/am", "cool/email/am", *(["hold"] if hold else [])]
    for number in range(n):
        region = ["north", "south"][int(random.integers(2))]
        arm = arms[int(random.integers(len(arms)))]
        rate = RATES.get((arm.split("/")[0], region), 0.05) if told else 0.3
        at = START + timedelta(minutes=10 * number)
        record: dict[str, Any] = {
            "decision_id": f"d{number}",
            "user": f"u{int(random.integers(n // 3))}",
            "context": {"region": region, "visits": int(random.integers(10))},
            "eligible": arms,
            "arm": arm,
            "propensity": 1 / len(arms),
            "outcomes": [],
        }
        if random.random() < rate:
            lag = timedelta(minutes=float(random.uniform(0, 60)))
            record["outcomes"] = [{"type": "click"} | ({"at": (at + lag).isoformat()} if timed else {})]
        if timed:
            record["decided_at"] = at.isoformat()
        yield record


@pytest.fixture(scope="session")
def records() -> Callable[..., Iterator[dict[str, Any]]]:
    """Make records of the shop; see `_records`."""
    return _records


@pytest.fixture(scope="session")
def space() -> dict[str, Any]:
    """What most sweeps here try."""
    return copy.deepcopy(SPACE)


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """Write records as JSON Lines."""

    def made(path: Path, rows: Any) -> Path:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return made


@pytest.fixture(scope="session")
def shop_log(tmp_path_factory: pytest.TempPathFactory, write: Callable[..., Path]) -> Path:
    """A log that shows which copy is right where."""
    return write(tmp_path_factory.mktemp("shop") / "shop.jsonl", _records(3000))


@pytest.fixture(scope="session")
def space_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The space of `SPACE`, as a file."""
    path = tmp_path_factory.mktemp("space") / "space.toml"
    path.write_text(
        """
        metric = "ctr"
        policies = ["uniform", "constant:warm/email/am"]
        halving.rungs = 2
        [[exploration]]
        kind = "epsilon_greedy"
        epsilon = [0.1, 0.5]
        [[exploration]]
        kind = "softmax"
        lambda = 3.0
        [learning]
        learning_rate = [0.1, 0.5]
        interactions = [["XV"]]
        bits = 12
        """
    )
    return path
