"""What a simulation showed: reward of the live policy beside uniform, the best fixed arm and the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from simulator.shop.clustered_mean import ClusteredMean
from simulator.shop.ledger import Ledger

__all__ = ["Simulated"]

_SCHEMA = "armsreach.simulate.v1"
_SERVED_LIVE = ("live", "fallback")
_PARTS = 5


@dataclass(frozen=True, slots=True)
class Simulated:
    """Rewards per decision, in the objective's units.

    True values are expected rewards in the shop's known truth, so that they hold no luck of clicks; realised ones
    are what the shop saw. The live policy's rows are those of shoppers outside control and holdout, from the first
    one on: what learning costs in the beginning is part of it.

    Attributes:
        scenario: Its name.
        seed: Of the shop.
        decisions: How many were made.
        users: Shoppers met.
        arms: Arms of the catalogue, `hold` included.
        modes: Mode → decisions.
        snapshots: Versions that served.
        best_fixed_arm: The arm of the next line but one.
        live: True reward of the live policy.
        uniform: True reward of uniform on the same decisions.
        best_fixed: True reward of the arm that is best in hindsight over all shoppers met, `hold` where not eligible.
        oracle: True reward of the best eligible arm for each.
        lift: Live less uniform, paired.
        lift_on_best_fixed: Live less the best fixed arm, paired.
        captured: Share of the way from uniform to the oracle; None where there is no way.
        live_by_time: `captured` in five parts of the run, oldest first.
        realised_live: What live decisions brought in fact.
        realised_control: What the control share's uniform decisions brought.
        realised_lift: The difference, as an experiment without known truth would see it.
    """

    scenario: str
    seed: int
    decisions: int
    users: int
    arms: int
    modes: Mapping[str, int]
    snapshots: int
    best_fixed_arm: str
    live: ClusteredMean
    uniform: ClusteredMean
    best_fixed: ClusteredMean
    oracle: ClusteredMean
    lift: ClusteredMean
    lift_on_best_fixed: ClusteredMean
    captured: float | None
    live_by_time: tuple[float | None, ...]
    realised_live: ClusteredMean
    realised_control: ClusteredMean
    realised_lift: ClusteredMean

    @classmethod
    def of(cls, ledger: Ledger, snapshots: int) -> Simulated:
        """Sum a run up."""
        shop, users = ledger.shop, ledger.shop.stream.user
        live, control = ledger.rows(*_SERVED_LIVE), ledger.rows("control")
        name, fixed = ledger.best_fixed()
        mean = ClusteredMean.of
        return cls(
            scenario=shop.scenario.name,
            seed=shop.seed,
            decisions=len(ledger.arm),
            users=len(np.unique(users)),
            arms=len(shop.catalogue),
            modes={mode: ledger.mode.count(mode) for mode in sorted(set(ledger.mode))},
            snapshots=snapshots,
            best_fixed_arm=name,
            live=mean(ledger.chosen[live], users[live]),
            uniform=mean(ledger.uniform[live], users[live]),
            best_fixed=mean(fixed[live], users[live]),
            oracle=mean(ledger.oracle[live], users[live]),
            lift=mean((ledger.chosen - ledger.uniform)[live], users[live]),
            lift_on_best_fixed=mean((ledger.chosen - fixed)[live], users[live]),
            captured=_captured(ledger, np.flatnonzero(live)),
            live_by_time=tuple(_captured(ledger, part) for part in np.array_split(np.flatnonzero(live), _PARTS)),
            realised_live=mean(ledger.realised[live], users[live]),
            realised_control=mean(ledger.realised[control], users[control]),
            realised_lift=ClusteredMean.of_difference(
                ledger.realised[live], users[live], ledger.realised[control], users[control]
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        return {"schema": _SCHEMA, **asdict(self)}


def _captured(ledger: Ledger, rows: np.ndarray) -> float | None:
    way = float((ledger.oracle[rows] - ledger.uniform[rows]).sum())
    return float((ledger.chosen[rows] - ledger.uniform[rows]).sum()) / way if way > 0 else None
