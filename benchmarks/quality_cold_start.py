"""New variants' first thousand impressions: arms as features, as features with an id, and as ids.

All copy is exchanged at once, so that new variants are met at once and equally often whatever a model thinks of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
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
WAYS = ("features", "both", "ids")
"""What a model sees of a variant: its facts and copy embedding, these and its id (the default), or the id alone."""
_CATEGORIES = 4


@dataclass(frozen=True, slots=True)
class ColdTask:
    """One run; after `before` decisions the first half of the variants is paused and the other half approved."""

    seed: int
    before: int
    after: int
    policy: PolicySettings
    way: str


@dataclass(frozen=True, slots=True)
class Cold:
    """True reward over the first impressions, how many there were, and the reward of all decisions since."""

    reward: float
    impressions: int
    since: float


class _Exchanging(InProcess):
    """Sets variants' states anew after a number of decisions."""

    def __init__(self, folder: Path, shop: Shop, before: int, states: Mapping[str, VariantState]) -> None:
        super().__init__(folder, shop, 10 * shop.scenario.decisions)
        self._left, self._states = before, states

    def decide(self, requests: Sequence[DecideRequest]) -> list[Answer]:
        """Decide, under the new states once it is time."""
        if self._states and self._left <= 0:
            self.set_states(self._states)
            self._states = {}
        self._left -= len(requests)
        return super().decide(requests)


def play_cold(task: ColdTask) -> Cold:
    """Run one seed: the first half of the copy, then the second."""
    base = scenario(Task("frequent", task.seed, task.before + task.after, task.policy))
    base = replace(base, copy=replace(base.copy, categories=_CATEGORIES), variant_ids=task.way != "features")
    shop = Shop.open(base, task.seed)
    variants = shop.campaign.variants
    if task.way == "ids":
        variants = tuple(_id_alone(variant) for variant in variants)
    half = len(variants) // 2
    drafts = tuple(replace(variant, state=VariantState.DRAFT) for variant in variants[half:])
    campaign = shop.campaign.with_variants((*variants[:half], *drafts))
    shop = replace(shop, campaign=campaign, catalogue=campaign.catalogue())
    states = {str(v.id): VariantState.PAUSED for v in variants[:half]}
    states |= {str(v.id): VariantState.APPROVED for v in drafts}
    with tempfile.TemporaryDirectory(prefix="armsreach-quality-") as folder:
        service = _Exchanging(Path(folder) / "data", shop, task.before, states)
        try:
            ledger = Loop(shop, service).run()
        finally:
            service.close()
    shown = np.flatnonzero((shop.truth.variant[ledger.arm] >= half) & (ledger.arm > 0))[:IMPRESSIONS]
    since = ledger.chosen[task.before :]
    return Cold(float(ledger.chosen[shown].mean()) if len(shown) else 0.0, len(shown), float(since.mean()))


def measure_cold_start(
    seeds: Sequence[int], before: int, after: int, policy: PolicySettings, pool: ProcessPoolExecutor
) -> None:
    """Play both ways on all seeds and print them."""
    ways = {
        way: list(pool.map(play_cold, [ColdTask(seed, before, after, policy, way) for seed in seeds])) for way in WAYS
    }
    print(f"\ncold start: all copy exchanged after {before:,} decisions, {after:,} more follow; {len(seeds)} seeds")
    for way, played in ways.items():
        shown = np.mean([one.impressions for one in played])
        print(
            f"  arms as {way:9s} {np.mean([one.reward for one in played]):.5f} true reward over the first "
            f"{shown:.0f} impressions, {np.mean([one.since for one in played]):.5f} over all decisions since"
        )
    for way in ("features", "both"):
        for what in ("reward", "since"):
            ours, ids = ([getattr(one, what) for one in ways[name]] for name in (way, "ids"))
            difference = Paired.of([one - other for one, other in zip(ours, ids, strict=True)])
            print(f"  {way} − ids, {what}: {difference}")
            result(f"cold_start_{way}_{what}", f"{np.mean(ours):.5f}", f"{np.mean(ids):.5f}", difference.low > 0)


def _id_alone(variant: Variant) -> Variant:
    """The same copy, of which a model sees nothing but the id."""
    return replace(variant, category="", price_band="", offer={}, features={}, embedding=(), embedding_model="")
