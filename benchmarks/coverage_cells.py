"""What is simulated, and what is asked of each log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.coverage_sums import BUCKETS, METRICS, Sums, View
from benchmarks.coverage_world import World
from simulator.estimators import ESTIMATORS
from simulator.intervals import INTERVALS, Limits
from simulator.statistic import Statistic
from simulator.thresholds import Thresholds
from simulator.verdict import VerdictName, judge

__all__ = ["CELLS", "QUESTIONS", "VERDICTS", "Cell", "Question", "ask"]

LEVEL = 0.95
VERDICTS = (VerdictName.REFUSED, VerdictName.WEAK, VerdictName.TRUSTED)
_MONEY = ("revenue", "profit", "roi")
_BOUNDED = ("empirical_bernstein", "betting")


@dataclass(frozen=True, slots=True)
class Cell:
    """A world, and how many users a log of it has."""

    world: World
    users: int

    @property
    def name(self) -> str:
        """World and size."""
        return f"{self.world.name} {self.users:,}"


CELLS = tuple(
    Cell(world, users)
    for world, sizes in (
        (World("rare clicks", click=0.015), (15_000, 60_000)),
        (World("rare clicks, spend σ 1.5", click=0.015, spread=1.5), (60_000,)),
        (World("common clicks", click=0.15), (4_000, 25_000)),
        (World("spend, σ 1", click=0.5), (7_000, 20_000)),
        (World("spend, σ 1.25", click=0.5, spread=1.25), (25_000,)),
        (World("spend, σ 1.5", click=0.5, spread=1.5), (40_000, 80_000)),
        (World("repeat users", click=0.3, rows=3.0, taste=0.6, purse=0.8, spread=0.8), (4_000, 12_000)),
        (World("skewed logging", click=0.2, floor=0.05, reward_max=100.0), (30_000, 100_000)),
        (World("cut-off spend", click=0.5, spread=1.5, reward_max=60.0), (20_000,)),
    )
    for users in sizes
)


@dataclass(frozen=True, slots=True)
class Question:
    """One interval of one statistic.

    Attributes:
        metric: Key.
        estimator: Key.
        versus: Whether it is the difference to the logging policy.
        interval: Name.
        few: Whether it reads the first 200 resamples alone.
    """

    metric: str
    estimator: str
    versus: bool
    interval: str
    few: bool = False


def _questions() -> Iterator[Question]:
    for metric in METRICS:
        for estimator in ("ips", "snips", "dr"):
            yield Question(metric, estimator, False, "bootstrap_t")
            yield Question(metric, estimator, False, "bootstrap_t", few=True)
            yield Question(metric, estimator, True, "bootstrap_t")
        for interval in ("bootstrap", "bca", "delta"):
            yield Question(metric, "dr", False, interval)
    for metric in ("ctr", "revenue"):
        yield Question(metric, "ips", False, "empirical_likelihood")
    for metric in ("ctr", "cvr", "revenue"):
        for interval in _BOUNDED:
            yield Question(metric, "ips", False, interval)
    yield Question("ctr", "dr", False, "empirical_bernstein")


QUESTIONS = tuple(_questions())


def ask(cell: Cell, logs: int, resamples: int, seed: int) -> Mapping[str, NDArray[np.float64]]:
    """Simulate logs and answer every question about each.

    Returns:
        `off`: both ends − truth, shape (logs, questions, 2), NaN where unavailable; `verdict`: place in VERDICTS,
        shape (logs, metrics); `reward_ess`: shape (logs, metrics); `user_ess`: shape (logs,).
    """
    random = np.random.default_rng(seed)
    truths = _truths(cell.world)
    off, verdicts, rewarded, users = [], [], [], []
    buckets = min(cell.users, BUCKETS)
    weights = random.poisson(1.0, (resamples, buckets)).astype(np.float64)
    for _ in range(logs):
        log = cell.world.draw(cell.users, random)
        # Users fall into buckets anew in each log, so that one set of weights serves for all of them.
        shared = cell.users > BUCKETS
        bucket = random.integers(buckets, size=cell.users) if shared else random.permutation(cell.users)
        sums = Sums.of(log, bucket, weights)
        off.append(_answers(cell, sums, truths))
        verdicts.append([_verdict(sums, metric) for metric in METRICS])
        rewarded.append([sums.reward_ess[metric] for metric in METRICS])
        users.append(sums.diagnostics.user_ess)
    return {
        "off": np.array(off),
        "verdict": np.array(verdicts, dtype=np.float64),
        "reward_ess": np.array(rewarded),
        "user_ess": np.array(users),
    }


def _truths(world: World) -> Mapping[tuple[str, bool], float]:
    """True value of each metric, and of its difference to the logging policy."""
    own, logged = (_metrics(world.truth(policy)) for policy in (world.target, world.logging))
    return {(key, versus): own[key] - versus * logged[key] for key in METRICS for versus in (False, True)}


def _metrics(mean: Mapping[str, float]) -> Mapping[str, float]:
    return {
        "ctr": mean["clicked"],
        "ctr_per_send": mean["clicked"] / mean["sent"],
        "cvr": mean["converted"],
        "revenue": mean["revenue"],
        "profit": mean["revenue"] - mean["cost"],
        "roi": (mean["revenue"] - mean["cost"]) / mean["cost"],
    }


def _verdict(sums: Sums, metric: str) -> int:
    rewarded = sums.reward_ess[metric]
    return VERDICTS.index(judge(replace(sums.diagnostics, reward_ess=rewarded), rewarded, Thresholds()).name)


def _answers(cell: Cell, sums: Sums, truths: Mapping[tuple[str, bool], float]) -> list[list[float]]:
    values: dict[tuple[str, str, bool, View], Statistic] = {}
    answers = []
    for question in QUESTIONS:
        interval = INTERVALS[question.interval]
        view = View.USERS if interval.by_user else View.FEW if question.few else View.ALL
        key = (question.metric, question.estimator, question.versus, view)
        if key not in values:
            value = sums.value(question.estimator, question.metric, view)
            values[key] = value - sums.value("logged", question.metric, view) if question.versus else value
        truth = truths[question.metric, question.versus]
        bounds = interval.bounds(values[key], LEVEL, _limits(cell.world, question))
        answers.append([np.nan if end is None else end - truth for end in (bounds.low, bounds.high)])
    return answers


def _limits(world: World, question: Question) -> Limits:
    """What a replay could declare: the floor of the logging policy, and rewards of 0 to 1 or as they are cut off."""
    high = world.reward_max if question.metric in _MONEY else 1.0
    weights = ("w",) if question.estimator == "ips" else ()
    if high is None or question.metric in ("profit", "roi"):
        return Limits("n", weights)
    rows = ESTIMATORS[question.estimator].row_range(world.weight_max, 0.0, high)
    mirror = rows if question.estimator == "ips" else None
    return Limits("n", weights, 0.0, high, rows, mirror)
