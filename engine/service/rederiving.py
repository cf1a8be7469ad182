"""The probabilities that a compact record did not keep, from the snapshot that it was drawn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from engine.core.campaign import Campaign
from engine.core.catalogue import Catalogue
from engine.core.compiled import CompiledModel
from engine.core.decision import Decision, Mode
from engine.core.drawing import quantise
from engine.core.errors import CorruptState, FailedPrecondition
from engine.core.exploration.options import ExplorationOptions
from engine.core.forgotten import is_forgotten
from engine.core.policy import ModelPolicy, Policy, UniformPolicy
from engine.core.reading import read
from engine.store import SnapshotStore
from engine.store.manifest import Manifest

_CACHED = 8
_OF_THE_MOMENT = ("t", "spread", "gamma")
"""What a manifest's `exploration` has beside the rule's own settings."""


class Rederiving:
    """Scores decisions again, on the recorded context, catalogue and snapshot.

    On the build that made them, the counts come out bit for bit. Every answer is checked against what the record has:
    its chosen arm's count, or all of them.
    """

    def __init__(self, campaign: Campaign, snapshots: SnapshotStore, catalogues: Callable[[str], Catalogue]) -> None:
        """Load nothing yet.

        Args:
            campaign: The settings in force now.
            snapshots: Its published models.
            catalogues: Digest → catalogue; raises NotFound for one nobody knows.
        """
        self._campaign = campaign
        self._snapshots = snapshots
        self._catalogue = lru_cache(maxsize=_CACHED)(catalogues)
        self._policies = lru_cache(maxsize=_CACHED)(self._load)

    def counts(self, decision: Decision) -> np.ndarray:
        """Probabilities of the eligible arms in units of 2⁻²⁴.

        Returns:
            Shape (len(eligible),), uint32; they sum to 2²⁴.

        Raises:
            NotFound: If the snapshot was pruned or nobody knows the catalogue.
            FailedPrecondition: If the policy that the record names is that of no settings known here, or the shopper
                was forgotten.
            CorruptState: If what comes out is not what the record has.
            InvalidInput: If the context does not fit the schema.
        """
        if is_forgotten(decision.user):
            raise FailedPrecondition(
                f"decision {decision.id}: its shopper was forgotten: there is nothing to score again; leave it out"
            )
        catalogue = self._catalogue(decision.catalogue)
        columns = catalogue.columns(decision.eligible, "eligible")
        mask = np.zeros((1, len(catalogue)), dtype=bool)
        mask[0, columns] = True
        row = self._campaign.schema.encode(decision.context.embedding, decision.context.attributes)[None, :]
        for policy in self._policies_of(decision):
            counts = quantise(policy.probabilities(row, mask))[0, columns].astype(np.uint32)
            if _agree(decision, counts):
                return counts
        raise CorruptState(
            f"decision {decision.id}: re-scoring does not give the {decision.chosen_count} of 2**24 that the record has"
            " for its arm; it was made by another build, or under a floor that is not known any more"
        )

    def _policies_of(self, decision: Decision) -> Sequence[Policy]:
        if decision.mode is not Mode.LIVE or not decision.snapshot:
            return (UniformPolicy(),)
        return self._policies(decision.snapshot, decision.catalogue, decision.policy)

    def _load(self, version: str, digest: str, label: str) -> tuple[Policy, ...]:
        snapshot = self._snapshots.load(version)
        manifest, catalogue = snapshot.manifest, self._catalogue(digest)
        if manifest.vw.get("served_through_vw"):
            raise FailedPrecondition(
                f"snapshot {version} was served through Vowpal Wabbit, whose probabilities are kept for up to 64 arms"
                " alone; nothing can be done"
            )
        matrix = CompiledModel.from_bytes(snapshot.compiled).matrix(catalogue.features())
        columns = {str(arm): i for i, arm in enumerate(catalogue.ids)}
        spread, t = float(manifest.exploration["spread"]), manifest.learned
        return tuple(
            ModelPolicy(label, matrix, rule.explorer(columns), rule.floor, catalogue.cells, spread, t)
            for rule in self._rules(manifest, label)
        )

    def _rules(self, manifest: Manifest, label: str) -> list[ExplorationOptions]:
        """Explorations of the recorded name: the one in force at publishing, and the campaign's of now.

        They may differ in the floor, which the name leaves out.
        """
        then = {name: value for name, value in manifest.exploration.items() if name not in _OF_THE_MOMENT}
        rules = [rule for rule in (read(ExplorationOptions, then), self._campaign.exploration) if rule.label == label]
        if not rules:
            raise FailedPrecondition(
                f"the decision was drawn from {label[:64]!r}, and the campaign explores by"
                f" {self._campaign.exploration.label!r}; set the exploration back to re-derive it"
            )
        return rules


def _agree(decision: Decision, counts: np.ndarray) -> bool:
    if decision.counts is not None:
        return np.array_equal(counts, decision.counts)
    return int(counts[decision.eligible.index(decision.arm)]) == decision.chosen_count
