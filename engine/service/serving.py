"""One campaign, made ready to decide: everything that does not change between two requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.core.arm import Arm, ArmId, ChannelId, VariantId
from engine.core.campaign import Campaign
from engine.core.catalogue import Catalogue
from engine.core.compiled import CompiledModel, ScoringMatrix
from engine.core.errors import CorruptState
from engine.core.exclusions import Exclusions
from engine.core.policy import ModelPolicy, Policy, UniformPolicy
from engine.core.rules.eligibility import Eligibility, Eligible
from engine.store.arm_matrix import ArmMatrix
from engine.store.snapshot import COMPILED
from engine.store.snapshots import Snapshot

_CACHED_ELIGIBILITIES = 4096


@dataclass(frozen=True, slots=True)
class EligibleSet:
    """The ids of an eligible set and the reasons of the rest, shared by all decisions that have it."""

    columns: np.ndarray
    ids: tuple[ArmId, ...]
    excluded: Mapping[ArmId, str]


class Serving:
    """A campaign with its rules, its policy and, once something is learned, its model.

    It is immutable for requests: a new snapshot or a changed campaign makes a new `Serving`, and requests under way
    finish with the one they began with.
    """

    eligibility: Eligibility
    hold_only: EligibleSet
    hold_mask: np.ndarray
    _texts: Mapping[tuple[VariantId, ChannelId], Mapping[str, str]]
    _sets: dict[bytes, EligibleSet]

    def __init__(
        self, campaign: Campaign, revision: int, snapshot: Snapshot | None, before: Serving | None = None
    ) -> None:
        """Look the arm matrix up and precompute the rules.

        Args:
            campaign: Its settings.
            revision: Which revision of them.
            snapshot: The model; None before the first publishing.
            before: What was served so far: where the campaign is the same object, its rules are taken over.

        Raises:
            CorruptState: If the snapshot was learned under another schema, so that its columns mean other things.
        """
        self.campaign = campaign
        self.revision = revision
        self.catalogue: Catalogue = campaign.catalogue()
        same = before is not None and before.campaign is campaign
        self.eligibility = before.eligibility if before and same else Eligibility(campaign, self.catalogue)
        self.snapshot = snapshot.manifest.version if snapshot else ""
        self.matrix: ScoringMatrix | None = None
        self.policy: Policy | None = self._policy(snapshot) if snapshot else None
        self.uniform = UniformPolicy()
        if before and same:
            self._texts, self._sets = before._texts, before._sets
            self.hold_only, self.hold_mask = before.hold_only, before.hold_mask
            return
        self._texts = {(v.id, channel): texts for v in campaign.variants for channel, texts in v.channels.items()}
        self._sets = {}
        everything = np.zeros(len(self.catalogue), dtype=bool)
        everything[0] = True
        held_out = Exclusions.all_but_hold(self.catalogue.ids, "holdout")
        self.hold_only = EligibleSet(held_out.columns, held_out.eligible, held_out)
        self.hold_mask = everything

    def _policy(self, snapshot: Snapshot) -> Policy:
        campaign = self.campaign
        constant = campaign.exploration.arm
        explorer = campaign.exploration.explorer({constant: self.catalogue.index(constant)} if constant else {})
        label, floor, cells = campaign.exploration.label, campaign.exploration.floor, self.catalogue.cells
        # The spread is of the objective that the model learned, which a campaign may have changed since.
        spread, t = float(snapshot.manifest.exploration["spread"]), snapshot.manifest.learned
        if snapshot.manifest.vw.get("served_through_vw"):
            from engine.vw import VwLearner, VwPolicy  # servers of compiled models never load it

            learner = VwLearner.from_bytes(campaign.learning, campaign.schema, snapshot.model)
            arms = self.catalogue.features()
            return VwPolicy(f"vw:{label}", learner, arms, explorer, floor, cells, spread, t)
        self.matrix = self._matrix(snapshot)
        return ModelPolicy(label, self.matrix, explorer, floor, cells, spread, t)

    def _matrix(self, snapshot: Snapshot) -> ScoringMatrix:
        compiled = CompiledModel.from_bytes(snapshot.compiled)
        if tuple(compiled.columns) != self.campaign.schema.user_columns:
            raise CorruptState(
                f"snapshot {snapshot.manifest.version} was learned under another schema; rebuild with"
                f" `python -m engine learn --rebuild --campaign {self.campaign.id}`"
            )
        return arm_matrix(compiled, snapshot, self.catalogue)

    def eligible_set(self, eligible: Eligible) -> EligibleSet:
        """Ids and reasons for a mask, remembered, as most shoppers share a few masks."""
        key = eligible.codes.tobytes()
        found = self._sets.get(key)
        if found is None:
            if len(self._sets) >= _CACHED_ELIGIBILITIES:
                self._sets.clear()
            exclusions = self.eligibility.excluded(eligible)
            found = self._sets[key] = EligibleSet(exclusions.columns, exclusions.eligible, exclusions)
        return found

    def content(self, arm: Arm) -> Mapping[str, str]:
        """The finished strings of an arm's variant for its channel."""
        return self._texts.get((arm.variant, arm.channel), {})


def arm_matrix(compiled: CompiledModel, snapshot: Snapshot, catalogue: Catalogue) -> ScoringMatrix:
    """The scoring matrix, from the file beside the snapshot; where there is none it is derived and put there.

    Reading takes a few milliseconds at ten thousand arms, deriving a hundred, and workers share the file's pages.
    """
    features, checksum = catalogue.features(), snapshot.manifest.checksums.get(COMPILED)
    if checksum is None:  # a snapshot that was never in a folder
        return compiled.matrix(features)
    file = ArmMatrix(snapshot.folder, checksum, catalogue.digest)
    found = file.read()
    if found is None or found[0].shape != (len(features), len(compiled.columns)):
        derived = compiled.matrix(features)
        file.write(derived.rows, derived.biases)
        found = file.read() or (derived.rows, derived.biases)
    return ScoringMatrix(compiled, tuple(features), *found)
