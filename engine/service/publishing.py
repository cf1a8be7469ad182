"""From a trained model to a snapshot that servers swap in."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.campaign import Campaign
from engine.core.clock import Clock
from engine.core.errors import FailedPrecondition, NotFound
from engine.core.outcome import OutcomeType
from engine.core.reading import plain
from engine.core.variant import VariantState
from engine.service.learning_settings import settings_digest
from engine.service.learning_trained import Trained
from engine.store import ArmMatrix, CurrentPointer, Lease, Manifest, SnapshotStore
from engine.vw import check_compiled, compile_model, vw_arguments

EFFECTIVE_SAMPLE_SIZE = 1_000
_NAMED = 8
_LISTED = 256


@dataclass(frozen=True, slots=True)
class Publication:
    """What came of an attempt to publish.

    Attributes:
        version: The snapshot's version; empty where none was written.
        withheld: Why nothing was written; empty where it was.
        learned: Decisions behind the model.
        worst_difference: Largest difference between compiled and VW's scores.
        floors: Arm id → least probability, with every approved arm eligible.
        rows: Arm id → rows that a later evaluation of "always this arm" needs for an effective sample size of 1,000.
    """

    version: str
    withheld: str
    learned: int
    worst_difference: float = 0.0
    floors: Mapping[str, float] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """Every arm's floor and the rows it asks for, arms of equal floor together; the manifest has them all."""
        if self.withheld:
            return f"nothing published after {self.learned} decisions: {self.withheld}"
        groups: dict[float, list[str]] = {}
        for arm, floor in self.floors.items():
            groups.setdefault(round(floor, 9), []).append(arm)
        lines = [
            f"  floor {floor:.3g}, {self.rows[arms[0]]:,} rows to evaluate it: {', '.join(arms[:_NAMED])}"
            + (f" and {len(arms) - _NAMED} more" if len(arms) > _NAMED else "")
            for floor, arms in sorted(groups.items(), reverse=True)
        ]
        return "\n".join([f"published {self.version} after {self.learned} decisions", *lines])


class Publisher:
    """Compiles, checks and publishes the models of one campaign.

    Where somebody rolled back, the learner goes on learning but publishes no more until somebody promotes a version or
    has the model rebuilt: it would otherwise undo the roll-back a few minutes later.
    """

    def __init__(self, snapshots: SnapshotStore, clock: Clock) -> None:
        self._snapshots = snapshots
        self._clock = clock

    def publish(self, campaign: Campaign, trained: Trained, lease: Lease, *, rebuilt: bool = False) -> Publication:
        """Publish a model.

        Args:
            campaign: Its settings.
            trained: The model.
            lease: The right to publish.
            rebuilt: Whether somebody had it rebuilt, which publishes after a roll-back too.

        Raises:
            LearningError: If the compiled scores differ from VW's; nothing was published.
            FailedPrecondition: If another learner has taken the lease over; this one has to stop.
            Unavailable: If the disk is full or failing; nothing changed.
        """
        current = self._snapshots.current()
        withheld = "" if rebuilt else self._reason_to_wait(campaign, trained, current)
        if withheld:
            return Publication("", withheld, trained.learned)
        compiled, derived, worst = self._compiled(campaign, trained)
        floors = arm_floors(campaign)
        manifest = self._manifest(campaign, trained, current.version if current else "", floors)
        try:
            name = self._snapshots.publish(manifest, trained.model, compiled, lease, derived)
        except FailedPrecondition as error:
            now = self._snapshots.current()
            if now is not None and lease.epoch < now.fence:
                raise
            return Publication("", f"the champion changed meanwhile: {error}", trained.learned)
        self._snapshots.prune(campaign.publishing.keep)
        return Publication(name, "", trained.learned, worst, floors, rows_needed(floors))

    def offer(self, campaign: Campaign, trained: Trained) -> Publication:
        """Write a model beside the champion, compiled and checked like any other, for somebody to promote.

        Args:
            campaign: The settings it was learned under, which may differ from those in force.
            trained: The model.

        Raises:
            LearningError: If the compiled scores differ from VW's; nothing was written.
            Unavailable: If the disk is full or failing; nothing changed.
        """
        current = self._snapshots.current()
        compiled, derived, worst = self._compiled(campaign, trained)
        floors = arm_floors(campaign)
        manifest = self._manifest(campaign, trained, current.version if current else "", floors)
        name = self._snapshots.add(manifest, trained.model, compiled, derived)
        return Publication(name, "", trained.learned, worst, floors, rows_needed(floors))

    def _reason_to_wait(self, campaign: Campaign, trained: Trained, current: CurrentPointer | None) -> str:
        if current is None:
            return ""
        if current.kind == "rollback":
            return f"rolled back to {current.version}; promote a version, or `python -m engine learn --rebuild`"
        try:
            champion = self._snapshots.load(current.version).manifest
        except NotFound:
            return ""
        same = champion.vw.get("settings") == settings_digest(campaign)
        return f"{current.version} has learned as much" if same and champion.learned >= trained.learned else ""

    def _compiled(self, campaign: Campaign, trained: Trained) -> tuple[bytes, Mapping[str, bytes], float]:
        """The tables, the matrix that servers derive from them for the present catalogue, the worst difference."""
        options, schema = campaign.learning, campaign.schema
        if options.served_through_vw:
            return b"", {}, 0.0  # servers load model.vw instead
        arms = campaign.catalogue().features()
        # Arms share most of their features: the same objects need a look once only.
        features = {id(feature): feature for arm in (*arms, *trained.features) for feature in arm}.values()
        compiled = compile_model(trained.model, options, schema, features)
        worst = check_compiled(trained.model, options, schema, compiled, arms, seed=trained.learned)
        # Labels were shifted by the resting cost (see EventMaker): here predictions become costs again.
        shifted = replace(compiled, constant=compiled.constant + campaign.objective.resting_cost)
        data, matrix = shifted.to_bytes(), shifted.matrix(arms)
        file = ArmMatrix(Path(), hashlib.sha256(data).hexdigest(), campaign.catalogue().digest)
        return data, {file.path.name: file.to_bytes(matrix.rows, matrix.biases)}, worst

    def _manifest(self, campaign: Campaign, trained: Trained, parent: str, floors: Mapping[str, float]) -> Manifest:
        return Manifest(
            version="",
            parent=parent,
            epoch=0,
            campaign=campaign.id,
            positions=trained.positions.to_json(),
            watermark=trained.matured_at,
            horizon_s={str(kind): campaign.horizon_s(kind) for kind in OutcomeType}
            | {"training": campaign.training_horizon_s},
            vw={
                "version": version("vowpalwabbit"),
                "options": list(vw_arguments(campaign.learning)),
                "learning": plain(campaign.learning),
                "settings": settings_digest(campaign),
                "served_through_vw": campaign.learning.served_through_vw,
            },
            feature_schema=plain(campaign.schema),
            catalogue=campaign.catalogue().digest,
            objective={**plain(campaign.objective), "label_shift": -campaign.objective.resting_cost},
            exploration=exploration_document(campaign, trained.learned),
            floor={**plain(campaign.exploration.floor), **floor_document(floors)},
            learned=trained.learned,
            created_at=self._clock.now(),
        )


def exploration_document(campaign: Campaign, t: int) -> dict[str, Any]:
    """The rule with its parameters, t, the spread that costs are divided by, and SquareCB's γ = scale · t^exponent."""
    rule = campaign.exploration
    return {
        **plain(rule),
        "t": t,
        "spread": campaign.objective.spread,
        "gamma": rule.gamma_scale * float(t) ** rule.gamma_exponent if rule.kind == "squarecb" else None,
    }


def arm_floors(campaign: Campaign) -> dict[str, float]:
    """Arm id → its least probability for a shopper to whom every approved arm is open."""
    catalogue = campaign.catalogue()
    eligible = np.ones((1, len(catalogue)), dtype=bool)
    for i in range(1, len(catalogue)):
        variant = catalogue.variant(i)
        eligible[0, i] = variant is not None and variant.state is VariantState.APPROVED
    shares = campaign.exploration.floor.shares(eligible, catalogue.cells)[0]
    return {str(catalogue.ids[i]): float(shares[i]) for i in np.flatnonzero(eligible[0])}


def floor_document(floors: Mapping[str, float]) -> dict[str, Any]:
    """Every arm's floor and the rows it asks for: arm by arm, or for many arms by channel and slot.

    All arms of a channel and slot have one floor. Servers read and check the manifest at every swap, and one that
    listed ten thousand arms would hold requests up.
    """
    rows = rows_needed(floors)
    if len(floors) <= _LISTED:
        return {"arms": dict(floors), "rows": rows}
    cells: dict[str, dict[str, float]] = {}
    for arm, floor in floors.items():
        cell = cells.setdefault(arm.partition("/")[2] or arm, {"arms": 0, "floor": floor, "rows": rows[arm]})
        cell["arms"] += 1
    return {"cells": cells}


def rows_needed(floors: Mapping[str, float]) -> dict[str, int]:
    """Rows after which "always this arm" can be evaluated with an effective sample size of 1,000.

    A log of n rows that plays arm a with probability fₐ holds about m = n·fₐ rows of it, each of weight w = 1 / fₐ
    under the policy that always plays a, the others having weight 0. Then (Σw)² / Σw² = (m/fₐ)² / (m/fₐ²) = m, so
    that n = 1,000 / fₐ rows are needed. It is the worst case: a model that likes the arm plays it more often.

    Source: Kong (1992), A note on importance sampling using standardized weights.
    """
    return {arm: math.ceil(round(EFFECTIVE_SAMPLE_SIZE / floor, 6)) for arm, floor in floors.items() if floor > 0}
