"""A new variant's first thousand impressions: arms as features against arms as ids."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.quality_policy import PolicySettings
from benchmarks.quality_shop import Task, scenario
from benchmarks.quality_statistics import Paired, result
from engine.core.variant import Variant, VariantState
from engine.service.requests import DecideRequest
from simulator.shop import Answer, InProcess, Loop, Shop

IMPRESSIONS = 1000
_CATEGORIES = 4


@dataclass(frozen=True, slots=True)
class ColdTask:
    """One run; the variant is approved after `before` decisions."""

    seed: int
    before: int
    after: int
    policy: PolicySettings
    as_features: bool


@dataclass(frozen=True, slots=True)
class Cold:
    """True reward over the first impressions, how many there were, and the reward of all decisions since."""

    reward: float
    impressions: int
    since: float


class _Approving(InProcess):
    """Approves the last variant after a number of decisions."""

    def __init__(self, folder: Path, shop: Shop, capacity: int, before: int, variant: str) -> None:
        super().__init__(folder, shop, capacity)
        self._left, self._variant = before, variant

    def decide(self, requests: Sequence[DecideRequest]) -> list[Answer]:
        if 0 < self._left <= len(requests):
            self.approve(self._variant)
        self._left -= len(requests)
        return super().decide(requests)


def play_cold(task: ColdTask) -> Cold:
    """Run one seed with the last variant held back at first."""
    base = scenario(Task("frequent", task.seed, task.before + task.after, task.policy))
    shop = Shop.open(replace(base, copy=replace(base.copy, categories=_CATEGORIES)), task.seed)
    variants = shop.campaign.variants
    if not task.as_features:
        variants = tuple(_id_alone(variant) for variant in variants)
    new = variants[-1]
    campaign = shop.campaign.with_variants((*variants[:-1], replace(new, state=VariantState.DRAFT)))
    shop = replace(shop, campaign=campaign, catalogue=campaign.catalogue())
    with tempfile.TemporaryDirectory(prefix="armsreach-quality-") as folder:
        service = _Approving(Path(folder) / "data", shop, 10 * shop.scenario.decisions, task.before, str(new.id))
        try:
            ledger = Loop(shop, service).run()
        finally:
            service.close()
    number = len(variants) - 1
    shown = np.flatnonzero((shop.truth.variant[ledger.arm] == number) & (ledger.arm > 0))[:IMPRESSIONS]
    since = ledger.chosen[task.before :]
    return Cold(float(ledger.chosen[shown].mean()) if len(shown) else 0.0, len(shown), float(since.mean()))


def measure_cold_start(
    seeds: Sequence[int], before: int, after: int, policy: PolicySettings, pool: ProcessPoolExecutor
) -> None:
    """Play both ways on all seeds and print them."""
    ways = {
        name: list(pool.map(play_cold, [ColdTask(seed, before, after, policy, as_features) for seed in seeds]))
        for name, as_features in (("features", True), ("ids", False))
    }
    print(f"\ncold start: a variant approved after {before:,} decisions, {after:,} more follow; {len(seeds)} seeds")
    for name, played in ways.items():
        shown = np.mean([one.impressions for one in played])
        print(
            f"  arms as {name:9s} {np.mean([one.reward for one in played]):.5f} true reward over the first "
            f"{shown:.0f} impressions, {np.mean([one.since for one in played]):.5f} over all decisions since"
        )
    for what in ("reward", "since"):
        pairs = zip(ways["features"], ways["ids"], strict=True)
        difference = Paired.of([getattr(one, what) - getattr(other, what) for one, other in pairs])
        print(f"  features − ids, {what}: {difference}")
        means = [np.mean([getattr(one, what) for one in ways[name]]) for name in ("features", "ids")]
        result(f"cold_start_{what}", f"{means[0]:.5f}", f"{means[1]:.5f}", difference.low > 0)


def _id_alone(variant: Variant) -> Variant:
    """The same copy, of which a model sees nothing but the id."""
    return replace(variant, category="", price_band="", offer={}, features={}, embedding=(), embedding_model="")
