"""Hillstrom's randomised e-mails: does choosing by customer beat the best single choice?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.quality_statistics import result
from engine.core.arm import ChannelId, SlotId, VariantId
from engine.core.catalogue import Catalogue
from engine.core.learning import LearningEvent, LearningOptions
from engine.core.objective import Objective
from engine.core.placement import Channel, Slot
from engine.core.schema import Attribute, Schema
from engine.core.variant import Variant
from engine.vw import VwLearner, compile_model
from simulator.importers.hillstrom import hillstrom_records
from simulator.keyed_hash import hash_strings

COST_PER_MAIL = 0.10
"""Stated, not known: the challenge gives none."""

_PRE_SET_SEED = 2008
_FOLDS = 5
_PASSES_OVER = 1.959964


@dataclass(frozen=True, slots=True, eq=False)
class Customers:
    """The experiment in columns; n customers, 3 arms, `hold` being column 0."""

    rows: np.ndarray
    arm: np.ndarray
    visits: np.ndarray
    profit: np.ndarray
    fold: np.ndarray
    half: np.ndarray
    schema: Schema
    catalogue: Catalogue


def data_file() -> Path | None:
    """The source, where there is one."""
    folder = Path(os.environ.get("ARMSREACH_DATA", str(Path(__file__).resolve().parents[2] / "shared" / "data")))
    return next(iter(sorted((folder / "hillstrom").glob("*.csv*"))), None)


def measure_hillstrom(path: Path, learning: LearningOptions, limit: int | None) -> None:
    """Judge the learned policy against the best constant, on a pre-set split and cross-fitted."""
    customers = _read(path, limit)
    visits = Objective(typical=0.05)
    money = Objective(weights={"purchase": 1.0, "cost": -1.0}, low=-1.0, high=200.0, typical=0.5)
    print(f"\nHillstrom: {len(customers.arm):,} customers, arms {', '.join(map(str, customers.catalogue.ids))}")
    for name, rewards, objective in (
        ("visits", customers.visits, visits),
        (f"spend_less_{COST_PER_MAIL:g}_an_email", customers.profit, money),
    ):
        splits = {"pre_set_split": [customers.half], "cross_fitted": [customers.fold == f for f in range(_FOLDS)]}
        for split, tests in splits.items():
            parts = [_judge(customers, rewards, objective, learning, test) for test in tests]
            learned, constant = (np.concatenate([part[i] for part in parts]) for i in range(2))
            _print(f"hillstrom_{name}_{split}", learned, constant)


def _judge(
    customers: Customers, rewards: np.ndarray, objective: Objective, learning: LearningOptions, test: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Per-customer values of the learned policy and of the best constant, both chosen on the other customers.

    Source: Robins, Rotnitzky and Zhao (1994), augmented inverse propensity weighting, with the arms' means on the
    training customers as the reward model; unbiased, since every propensity is 1/3 by design.
    """
    train, held = np.flatnonzero(~test), np.flatnonzero(test)
    means = np.array([rewards[train][customers.arm[train] == arm].mean() for arm in range(3)])
    chosen = _learned(customers, rewards, objective, learning, train, held)

    def values(arms: np.ndarray) -> np.ndarray:
        played = customers.arm[held] == arms
        return np.asarray(means[arms] + 3.0 * played * (rewards[held] - means[arms]))

    return values(chosen), values(np.full(len(held), means.argmax()))


def _learned(
    customers: Customers,
    rewards: np.ndarray,
    objective: Objective,
    learning: LearningOptions,
    train: np.ndarray,
    held: np.ndarray,
) -> np.ndarray:
    """The arm of lowest predicted cost for each held-out customer."""
    features = customers.catalogue.features()
    learner = VwLearner(learning, customers.schema)
    learner.learn(
        LearningEvent(
            x=customers.rows[i],
            arms=features,
            chosen=int(customers.arm[i]),
            cost=objective.cost(float(rewards[i])) - objective.resting_cost,
            probability=1 / 3,
        )
        for i in train
    )
    used = replace(learning, served_through_vw=False)
    table = compile_model(learner.to_bytes(), used, customers.schema, [f for arm in features for f in arm])
    return np.asarray(table.matrix(features).costs(customers.rows[held]).argmin(axis=1))


def _print(name: str, learned: np.ndarray, constant: np.ndarray) -> None:
    difference = learned - constant
    half = _PASSES_OVER * difference.std(ddof=1) / np.sqrt(len(difference))
    mean = difference.mean()
    verdict = "no difference" if abs(mean) <= half else "better" if mean > 0 else "worse"
    print(
        f"  {name}: learned {learned.mean():.5f}, best constant {constant.mean():.5f}, "
        f"difference {mean:+.5f} [{mean - half:+.5f}, {mean + half:+.5f}]: {verdict}"
    )
    result(name, f"{learned.mean():.5f}", f"{constant.mean():.5f}", mean >= -half)


def _read(path: Path, limit: int | None) -> Customers:
    schema = Schema(
        attributes={
            "recency": Attribute("number", low=0, high=12),
            "history": Attribute("number", low=0, high=10.0),
            "mens": Attribute("boolean"),
            "womens": Attribute("boolean"),
            "newbie": Attribute("boolean"),
            "zip_code": Attribute("categorical", vocabulary=("Surburban", "Urban", "Rural")),
            "channel": Attribute("categorical", vocabulary=("Phone", "Web", "Multichannel")),
        }
    )
    email, slot = ChannelId("email"), SlotId("day0")
    variants = tuple(
        Variant(id=VariantId(name), channels={email: {"subject": name}}, category=name) for name in ("mens", "womens")
    )
    catalogue = Catalogue(variants, (Channel(email),), (Slot(slot),))
    records = [record for _, record in zip(range(limit or 10**9), hillstrom_records(str(path), {}), strict=False)]
    spend = np.array([sum(o.get("value", 0.0) for o in r["outcomes"] if o["type"] == "purchase") for r in records])
    arm = np.array([catalogue.index(record["arm"]) for record in records])
    users = [record["user"] for record in records]
    return Customers(
        rows=_rows(schema, records),
        arm=arm,
        visits=np.array([float(any(o["type"] == "click" for o in r["outcomes"])) for r in records]),
        profit=spend - COST_PER_MAIL * (arm > 0),
        fold=(hash_strings(users, f"folds {_PRE_SET_SEED}") % np.uint64(_FOLDS)).astype(np.int64),
        half=hash_strings(users, f"split {_PRE_SET_SEED}") % np.uint64(2) == 0,
        schema=schema,
        catalogue=catalogue,
    )


def _rows(schema: Schema, records: Sequence[dict[str, object]]) -> np.ndarray:
    rows = []
    for record in records:
        context = dict(record["context"])  # type: ignore[call-overload]
        # Spending is skewed: its logarithm is what a linear model can use.
        context["history"] = min(float(np.log1p(context["history"])), 10.0)
        rows.append(schema.encode(np.zeros(0), {name: context[name] for name in schema.attributes}))
    return np.stack(rows)
