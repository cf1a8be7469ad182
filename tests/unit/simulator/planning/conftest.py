"""Logs of a shop whose truth is known, made in bulk."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from simulator import Log
from simulator.context_table import ContextTable
from simulator.log import MODES, NO_TIME
from simulator.outcome_table import OutcomeTable, identities

DAY_US = 86_400_000_000


def bulk_log(
    arms: Sequence[str],
    p: np.ndarray,
    arm: np.ndarray,
    user: np.ndarray,
    outcomes: dict[str, np.ndarray],
    days: np.ndarray | None = None,
    context: dict[str, np.ndarray] | None = None,
) -> Log:
    """Make a log of n decisions over the same k arms; p is (n, k), an outcome of value 0 did not occur."""
    n, k = p.shape
    kinds = tuple(outcomes)
    found = [np.flatnonzero(values) for values in outcomes.values()]
    row = np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
    kind = np.concatenate([np.full(len(f), number) for number, f in enumerate(found)] or [row]).astype(np.int32)
    value = np.concatenate([values[f] for values, f in zip(outcomes.values(), found, strict=True)] or [row * 1.0])
    order = np.argsort(row, kind="stable")
    users = int(user.max()) + 1
    return Log(
        source="bulk",
        line=np.arange(1, n + 1),
        decision_ids=np.array([f"d{number}" for number in range(n)], dtype=object),
        arms=tuple(arms),
        arm=arm.astype(np.int32),
        chosen=arm.astype(np.int64),
        propensity=p[np.arange(n), arm],
        offsets=np.arange(n + 1, dtype=np.int64) * k,
        eligible=np.tile(np.arange(k, dtype=np.int32), n),
        probabilities=p.ravel().copy(),
        count=np.ones(n, dtype=np.int64),
        part=np.zeros(n, dtype=np.int64),
        mode=np.full(n, MODES.index("live"), dtype=np.int8),
        users=tuple(f"u{number}" for number in range(users)),
        user=user.astype(np.int64),
        decided_at=np.full(n, NO_TIME) if days is None else (days * DAY_US).astype(np.int64),
        observed_until=np.full(n, NO_TIME),
        outcomes=OutcomeTable(
            kinds=kinds,
            row=row[order],
            kind=kind[order],
            value=value[order],
            at=np.full(row.size, NO_TIME),
            identity=identities([None] * row.size),
        ),
        context=ContextTable.of({name: [float(x) for x in column] for name, column in (context or {}).items()}),
        embedding=None,
        catalogue={},
        extra={},
    )


def draw(random: np.random.Generator, p: np.ndarray) -> np.ndarray:
    """One arm of each row."""
    return np.minimum((random.random(len(p))[:, None] > np.cumsum(p, axis=1)).sum(axis=1), p.shape[1] - 1)


@pytest.fixture(scope="session")
def make_log() -> Callable[..., Log]:
    return bulk_log


@pytest.fixture(scope="session")
def drawn() -> Callable[..., np.ndarray]:
    return draw
