"""How fast `vw:` policies replay a log, against bare Vowpal Wabbit on text made beforehand.

Both see all K arms of every decision. The reference of the target only learns; the replay predicts and learns, and
writes each row's text itself. With a delay, predicting and learning are two native calls; then the reference makes two,
too. Rates are by processor time: all ways run on one thread.

Usage: python benchmarks/vw_replay_speed.py [--rows N] [--repeats N]
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import vowpalwabbit

from benchmarks.verdict import verdict
from simulator.horizons import Horizons
from simulator.log import NO_TIME, Log
from simulator.outcome_table import OutcomeTable
from simulator.policies.learning_task import LearningTask
from simulator.policies.vw_options import VwOptions
from simulator.policies.vw_policy import VwPolicy
from simulator.policies.vw_rows import VwRows

SECOND = 1_000_000
WAIT_S = 600
CHUNK = 2048


def result(name: str, value: float, unit: str, note: str = "") -> None:
    print(f"{name:34} {value:.4g} {unit}{'  # ' + note if note else ''}", flush=True)


def log_of(rows: int, arms: int, dimension: int) -> Log:
    """A decision a second, all arms eligible, uniform draws, 5 % clicks, an embedding and three attributes."""
    rng = np.random.default_rng(1)
    variants = -(-arms // 6)
    names = [
        f"v{i % variants}/{('email', 'push', 'sms')[i // variants % 3]}/{('am', 'pm')[i % 2]}" for i in range(arms)
    ]
    names = [name if names.index(name) == i else f"v{i}/email/am" for i, name in enumerate(names)]
    clicks = np.flatnonzero(rng.random(rows) < 0.05)
    chosen = rng.integers(arms, size=rows)
    decided = np.arange(rows, dtype=np.int64) * SECOND
    none = np.full(rows, NO_TIME)
    tiers = np.array(["gold", "silver", "tin"], dtype=object)
    return Log(
        source="memory",
        decision_ids=np.array([f"d{i}" for i in range(rows)], dtype=object),
        arms=tuple(names),
        arm=chosen.astype(np.int32),
        chosen=chosen,
        propensity=np.full(rows, 1 / arms),
        offsets=np.arange(rows + 1, dtype=np.int64) * arms,
        eligible=np.tile(np.arange(arms, dtype=np.int32), rows),
        probabilities=np.full(rows * arms, 1 / arms),
        count=np.ones(rows, dtype=np.int64),
        part=np.zeros(rows, dtype=np.int64),
        mode=np.zeros(rows, dtype=np.int8),
        users=(),
        user=np.full(rows, -1),
        decided_at=decided,
        observed_until=none,
        outcomes=OutcomeTable(
            ("click",), clicks, np.zeros(clicks.size, dtype=np.int32), np.ones(clicks.size), decided[clicks]
        ),
        context={
            "tier": tiers[rng.integers(3, size=rows)],
            "member": rng.random(rows) < 0.5,
            "visits": rng.integers(9, size=rows).astype(object),
        },
        embedding=rng.normal(size=(rows, dimension)).astype(np.float32),
        catalogue={name: {"features": {"tone": f"t{i % 4}"}} for i, name in enumerate(names)},
        extra={},
    )


def ready_made(log: Log) -> tuple[list[list[str]], list[list[str]]]:
    """Unlabelled and labelled text of all rows, as lists of lines."""
    texts, clicked = VwRows().read(log), log.outcomes.occurred("click", log.rows)
    plain = [[texts.shared(row), *texts.arms(row)] for row in range(log.rows)]
    labelled = [list(lines) for lines in plain]
    for lines, chosen, click, propensity in zip(labelled, log.chosen, clicked, log.propensity, strict=True):
        lines[chosen + 1] = f"0:{-click:.9g}:{propensity:.9g} {lines[chosen + 1]}"
    return plain, labelled


def best_rates(rows: int, repeats: int, ways: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Rows per second of processor time of each way, the best of `repeats` rounds in which all take turns."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(repeats):
        for name, way in ways.items():
            start = time.process_time()
            way()
            best[name] = min(best[name], time.process_time() - start)
    return {name: rows / seconds for name, seconds in best.items()}


def compare(rows: int, arms: int, dimension: int, options: str, repeats: int) -> None:
    log = log_of(rows, arms, dimension)
    plain, labelled = ready_made(log)
    chunks = [log.take(np.arange(start, min(start + CHUNK, rows))) for start in range(0, rows, CHUNK)]

    def bare(*, predicts: bool, wait: int) -> None:
        native = vowpalwabbit.Workspace(f"{options} --quiet")
        waiting: deque[list[str]] = deque()
        for row, lines in enumerate(labelled):
            if predicts:
                native.predict(plain[row])
            waiting.append(lines)
            if len(waiting) > wait:
                native.learn(waiting.popleft())
        native.finish()

    def replay(wait_s: int) -> None:
        task = LearningTask(
            "ctr",
            lambda chunk: chunk.outcomes.occurred("click", chunk.rows),
            ("click",),
            Horizons(default_us=wait_s * SECOND),
        )
        policy = VwPolicy(VwOptions.parse(options), task)
        for chunk in chunks:
            policy.answer(chunk)

    def writing() -> None:
        rows_of = VwRows()
        for chunk in chunks:
            texts = rows_of.read(chunk)
            for row in range(chunk.rows):
                "\n".join([texts.shared(row), *texts.arms(row)])

    rates = best_rates(
        rows,
        repeats,
        {
            "bare_learn": lambda: bare(predicts=False, wait=0),
            "bare_predict_learn": lambda: bare(predicts=True, wait=0),
            "bare_predict_wait_learn": lambda: bare(predicts=True, wait=WAIT_S),
            "replay": lambda: replay(0),
            "replay_waiting": lambda: replay(WAIT_S),
            "writing_alone": writing,
        },
    )
    where = f"{arms} arms, {dimension} dims, {options}"
    result("bare_learn", rates["bare_learn"], "decisions/s", f"Workspace.learn(list) on ready-made text; {where}")
    result(
        "bare_predict_learn", rates["bare_predict_learn"], "decisions/s", "Workspace.predict(list), then learn(list)"
    )
    result("bare_predict_wait_learn", rates["bare_predict_wait_learn"], "decisions/s", f"learned {WAIT_S} rows later")
    result("replay", rates["replay"], "decisions/s", "predicts and learns each row, writing its text")
    result("replay_waiting", rates["replay_waiting"], "decisions/s", f"learned {WAIT_S} rows later")
    result("writing_alone", rates["writing_alone"], "decisions/s", "the replay's text, without Vowpal Wabbit")
    result("waiting_against_bare_learn", rates["replay_waiting"] / rates["bare_learn"], "×", "two native calls to one")
    name = f"{arms}x{dimension}_{options.split()[1].removeprefix('--')}"
    verdict(f"vw_replay_{name}", rates["replay"] / rates["bare_learn"], 0.9, "Workspace.learn(list)")
    verdict(
        f"vw_replay_waiting_{name}",
        rates["replay_waiting"] / rates["bare_predict_wait_learn"],
        0.9,
        "Workspace.predict(list)_then_learn(list)",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"command: {' '.join(sys.argv)}")
    cpu = platform.processor() or platform.machine()
    print(f"commit: {commit.stdout.strip() or 'unknown'}  cpu: {os.cpu_count()} × {cpu}")
    print(f"python {platform.python_version()}  numpy {np.__version__}  vowpalwabbit {vowpalwabbit.__version__}")
    for arms, dimension, options in (
        (10, 32, "--cb_explore_adf --epsilon 0.1 -q UV"),
        (30, 64, "--cb_explore_adf --squarecb -q UV -q UC -q XS"),
        (30, 64, "--cb_explore_adf --bag 5 -q UV"),
    ):
        compare(arguments.rows, arms, dimension, options, arguments.repeats)


if __name__ == "__main__":
    main()
