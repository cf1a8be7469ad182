"""How fast learning, compiling and scoring are, each against its reference in the same run.

Usage: python benchmarks/vw_speed.py [--events N]
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import vowpalwabbit

from benchmarks.verdict import verdict
from engine.core.arm import ChannelId, SlotId, VariantId
from engine.core.catalogue import Catalogue
from engine.core.learning import LearningEvent, LearningOptions
from engine.core.placement import Channel, Slot
from engine.core.schema import Attribute, Schema
from engine.core.variant import Variant
from engine.vw import ExampleWriter, VwLearner, check_compiled, compile_model, vw_arguments


def result(name: str, value: float, unit: str, note: str = "") -> None:
    print(f"{name:18} {value:.4g} {unit}{'  # ' + note if note else ''}", flush=True)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The best of `repeats`, since other processes only ever make it slower."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def campaign(rng: np.random.Generator, variants: int, user: int, copy: int) -> tuple[Schema, Catalogue]:
    schema = Schema(user, {"tier": Attribute("categorical", ("gold", "tin")), "member": Attribute("boolean")})
    channels = tuple(Channel(ChannelId(name)) for name in ("email", "push", "sms"))
    return schema, Catalogue(
        tuple(
            Variant(
                VariantId(f"v{i}"),
                channels={c.id: {"body": "x"} for c in channels},
                category=f"c{i % 20}",
                price_band=f"p{i % 3}",
                offer={"kind": "percent", "percent": float(rng.random())},
                features={"tone": f"t{i % 4}"},
                embedding=tuple(rng.normal(size=copy).tolist()),
            )
            for i in range(variants)
        ),
        channels,
        (Slot(SlotId("am")), Slot(SlotId("pm"))),
    )


def draw_events(
    rng: np.random.Generator, schema: Schema, catalogue: Catalogue, count: int, size: int
) -> list[LearningEvent]:
    features = catalogue.features()
    events = []
    for _ in range(count):
        eligible = rng.choice(len(features), size=size, replace=False)
        x = schema.encode(rng.normal(size=schema.dimension), {"tier": "gold", "member": True})
        arms = [features[i] for i in eligible]
        events.append(LearningEvent(x, arms, int(rng.integers(size)), float(rng.random() < 0.05), 1 / size))
    return events


def learning(rng: np.random.Generator, count: int) -> None:
    schema, catalogue = campaign(rng, 10, 32, 0)
    options = LearningOptions(save_every=1000)
    events = draw_events(rng, schema, catalogue, count, 10)
    lines = [ExampleWriter(schema).labelled(event) for event in events]

    def with_vw() -> None:
        native = vowpalwabbit.Workspace(arg_list=vw_arguments(options))
        for line in lines:
            native.learn(line)
        native.finish()

    def with_us() -> None:
        VwLearner(options, schema).learn(events)

    with_us()
    theirs, ours = seconds(with_vw, 3), seconds(with_us, 3)
    result(
        "learn_vw_ready_made",
        count / theirs,
        "decisions/s",
        "Workspace.learn on text made beforehand; 10 arms, 32 dims",
    )
    result("learn", count / ours, "decisions/s", "VwLearner.learn from events, writing text and saving every 1000th")
    verdict("learn_ratio", theirs / ours, 0.9, "Workspace.learn")


def compiling(rng: np.random.Generator) -> None:
    schema, catalogue = campaign(rng, 200, 384, 64)
    options = LearningOptions(bits=22, interactions=("UV", "UC", "UE", "XV", "CS"))
    learner = VwLearner(options, schema)
    learner.learn(draw_events(rng, schema, catalogue, 60, 5))
    data = learner.to_bytes()
    features = catalogue.features()
    flat = [feature for arm in features for feature in arm]
    compiled = compile_model(data, options, schema, flat)
    result(
        "compile",
        1e3 * seconds(lambda: compile_model(data, options, schema, flat), 3),
        "ms",
        "200 variants, 384 × 64 cross, -b 22",
    )
    result("matrix", 1e3 * seconds(lambda: compiled.matrix(features), 3), "ms", f"{len(features)} arms")
    result("compiled_size", len(compiled.to_bytes()) / 1e6, "MB")
    start = time.perf_counter()
    worst = check_compiled(data, options, schema, compiled, features, seed=1)
    result("publish_check", time.perf_counter() - start, "s", "256 pairs")
    verdict("compiled_worst_difference", worst, 1e-5, "vw_scores", at_most=True)
    schema, catalogue = campaign(rng, 1000, 384, 64)
    features = catalogue.features()
    compiled = compile_model(data, options, schema, [feature for arm in features for feature in arm])
    result(
        "matrix_large", 1e3 * seconds(lambda: compiled.matrix(features), 2), "ms", f"{len(features)} arms, 386 columns"
    )


def scoring(rng: np.random.Generator) -> None:
    schema, catalogue = campaign(rng, 5, 64, 16)
    options = LearningOptions(bits=18, interactions=("UV", "UC", "US", "CS"))
    learner = VwLearner(options, schema)
    learner.learn(draw_events(rng, schema, catalogue, 500, 10))
    features = catalogue.features()[:30]
    compiled = compile_model(learner.to_bytes(), options, schema, [f for arm in features for f in arm])
    matrix = compiled.matrix(features)
    rows = rng.normal(size=(4096, len(schema.user_columns))).astype(np.float32)
    one = rows[:1]
    single = seconds(lambda: [matrix.costs(one) for _ in range(2000)], 5) / 2000
    batch = seconds(lambda: matrix.costs(rows), 5) / len(rows)
    learner.predict(rows[0], features)
    through_vw = seconds(lambda: [learner.predict(row, features) for row in rows[:200]], 3) / 200
    result("score_one", 1e6 * single, "µs", "1 shopper × 30 arms × 67 columns")
    result("score_in_batch", 1e6 * batch, "µs/shopper", "4096 shoppers")
    result("score_through_vw", 1e6 * through_vw, "µs", "the same through VW's text interface")
    verdict("score_ratio", through_vw / single, 10.0, "vw_text_interface")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3000)
    arguments = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"command: {' '.join(sys.argv)}")
    cpu = platform.processor() or platform.machine()
    print(f"commit: {commit.stdout.strip() or 'unknown'}  cpu: {os.cpu_count()} × {cpu}")
    print(f"python {platform.python_version()}  numpy {np.__version__}  vowpalwabbit {vowpalwabbit.__version__}")
    learning(np.random.default_rng(1), arguments.events)
    compiling(np.random.default_rng(2))
    scoring(np.random.default_rng(3))


if __name__ == "__main__":
    main()
