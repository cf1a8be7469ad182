"""Reward after n decisions in the shop: our default through the real service, beside what else could be done."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.quality_mabwiser import MabwiserService, MabwiserSetting
from benchmarks.quality_policy import PolicySettings
from benchmarks.quality_statistics import Paired, result
from engine.core.campaign import Shares
from simulator.shop import PRESETS, InProcess, Loop, Scenario, ServicePort, Shop

REGIMES = {"rare": 1.0, "frequent": 1.0, "money": 10.0}
"""Preset → what rewards are divided by for mabwiser, so that one grid of alphas suits all."""

ALPHAS = (0.001, 0.01, 0.05, 0.25)
TUNING_SEED = 100


@dataclass(frozen=True, slots=True)
class Played:
    """True reward per decision of one run, and of what was to be had on the same shoppers."""

    reward: float
    uniform: float
    best_fixed: float
    oracle: float
    last_fifth: float


@dataclass(frozen=True, slots=True)
class Task:
    """One run; `setting` is None for armsreach."""

    regime: str
    seed: int
    decisions: int
    policy: PolicySettings
    setting: MabwiserSetting | None = None


def scenario(task: Task) -> Scenario:
    """The preset with everybody served by the policy under test, at a thousand decisions a day."""
    return replace(
        PRESETS[task.regime],
        decisions=task.decisions,
        days=task.decisions / 1000,
        shares=Shares(control=0.0),
        learning=task.policy.learning,
        exploration=task.policy.exploration,
        publishing=task.policy.publishing,
    )


def play(task: Task) -> Played:
    """Run one player on one seed."""
    shop = Shop.open(scenario(task), task.seed)
    with tempfile.TemporaryDirectory(prefix="armsreach-quality-") as folder:
        service: ServicePort
        if task.setting is None:
            service = InProcess(Path(folder) / "data", shop, capacity=10 * task.decisions)
        else:
            service = MabwiserService(shop, task.setting)
        try:
            ledger = Loop(shop, service).run()
        finally:
            service.close()
    last = slice(-len(ledger.chosen) // 5, None)
    way = (ledger.oracle - ledger.uniform)[last].sum()
    return Played(
        reward=float(ledger.chosen.mean()),
        uniform=float(ledger.uniform.mean()),
        best_fixed=float(ledger.best_fixed()[1].mean()),
        oracle=float(ledger.oracle.mean()),
        last_fifth=float((ledger.chosen - ledger.uniform)[last].sum() / way),
    )


@dataclass(frozen=True, slots=True)
class ShopBench:
    """What is played: the seeds reported, the others that alphas are chosen on, and how many at once."""

    seeds: Sequence[int]
    tuning: Sequence[int]
    decisions: int
    policy: PolicySettings
    pool: ProcessPoolExecutor

    def measure(self, regime: str) -> None:
        """Play one regime and print it."""
        players: dict[str, MabwiserSetting | None] = {"armsreach": None}
        for policy in ("LinUCB", "LinTS"):
            best = self._best_alpha(policy, regime)
            players[f"mabwiser {best}"] = best
        of = {name: self._play(regime, self.seeds, setting) for name, setting in players.items()}
        _print(regime, self.decisions, len(self.seeds), {name: list(played) for name, played in of.items()})

    def _best_alpha(self, policy: str, regime: str) -> MabwiserSetting:
        """The alpha that earns most on other seeds than those reported."""
        settings = [MabwiserSetting(policy, alpha, REGIMES[regime]) for alpha in ALPHAS]
        played = [self._play(regime, self.tuning, setting) for setting in settings]
        earned = [np.mean([one.reward for one in runs]) for runs in played]
        return settings[int(np.argmax(earned))]

    def _play(self, regime: str, seeds: Sequence[int], setting: MabwiserSetting | None) -> Iterator[Played]:
        tasks = [Task(regime, seed, self.decisions, self.policy, setting) for seed in seeds]
        return self.pool.map(play, tasks)


def _print(regime: str, decisions: int, seeds: int, of: Mapping[str, Sequence[Played]]) -> None:
    ours = of["armsreach"]
    print(f"\n{regime}: true reward per decision over {decisions:,} decisions, learning included; {seeds} seeds")
    for name in ("uniform", "best_fixed", "oracle"):
        print(f"  {name:22s} {np.mean([getattr(one, name) for one in ours]):.5f}")
    for name, played in of.items():
        reward = np.mean([one.reward for one in played])
        share = np.mean([(one.reward - one.uniform) / (one.oracle - one.uniform) for one in played])
        late = np.mean([one.last_fifth for one in played])
        print(f"  {name:22s} {reward:.5f}  {share:5.1%} of the way from uniform to the oracle, {late:5.1%} at the end")
    against = {"uniform": [one.uniform for one in ours], "best_fixed": [one.best_fixed for one in ours]}
    against |= {name: [one.reward for one in played] for name, played in of.items() if name != "armsreach"}
    for name, references in against.items():
        difference = Paired.of([one.reward - ref for one, ref in zip(ours, references, strict=True)])
        print(f"  armsreach − {name}: {difference}")
        target = f"{np.mean([one.reward for one in ours]):.5f}"
        key = name.split("(")[0].replace(" ", "_")
        # Clearly above uniform where clicks are frequent; elsewhere nothing may be clearly lost.
        ok = difference.low > 0 if (regime, name) == ("frequent", "uniform") else difference.high > 0
        result(f"{regime}_vs_{key}", target, f"{np.mean(references):.5f}", ok)
