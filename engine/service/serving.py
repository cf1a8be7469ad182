"""One campaign, made ready to decide: everything that does not change between two requests."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

from engine.core.arm import Arm, ChannelId, VariantId
from engine.core.campaign import Campaign
from engine.core.catalogue import Catalogue
from engine.core.compiled import CompiledModel, ScoringMatrix
from engine.core.eligible_set import EligibleSet
from engine.core.errors import CorruptState
from engine.core.exclusions import Exclusions
from engine.core.policy import ModelPolicy, Policy, UniformPolicy
from engine.core.rules.eligibility import Eligibility
from engine.core.rules.rule import Inquiry
from engine.service.restraint import UNRESTRAINED, Restraint
from engine.store.arm_matrix import ArmMatrix
from engine.store.snapshot import COMPILED
from engine.store.snapshots import Snapshot

T = TypeVar("T")

_CACHED_ARMS = 2_000_000
"""Of remembered eligible sets, all together: some 16 bytes each."""


class Serving:
    """A campaign with its rules, its policy and, once something is learned, its model.

    It is immutable for requests: a new snapshot or a changed campaign makes a new `Serving`, and requests under way
    finish with the one they began with.
    """

    eligibility: Eligibility
    hold_only: EligibleSet
    _texts: Mapping[tuple[VariantId, ChannelId], Mapping[str, str]]
    _by_key: dict[Hashable, EligibleSet]
    _by_codes: dict[bytes, EligibleSet]

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
        self.restraint: Restraint = UNRESTRAINED
        self.campaign = campaign
        self.revision = revision
        self.catalogue: Catalogue = campaign.catalogue()
        same = before is not None and before.campaign is campaign
        self.eligibility = before.eligibility if before and same else Eligibility(campaign, self.catalogue)
        self.snapshot = snapshot.manifest.version if snapshot else ""
        self.matrix: ScoringMatrix | None = None
        self.policy: Policy | None = self._policy(snapshot) if snapshot else None
        self.uniform = UniformPolicy()
        self._made: dict[int, Any] = {}
        self._remembered = max(64, min(4096, _CACHED_ARMS // len(self.catalogue)))
        if before and same:
            self._texts, self._by_key, self._by_codes = before._texts, before._by_key, before._by_codes
            self.hold_only = before.hold_only
            return
        self._texts = {(v.id, channel): texts for v in campaign.variants for channel, texts in v.channels.items()}
        self._by_key, self._by_codes = {}, {}
        self.hold_only = self._set(Exclusions.all_but_hold(self.catalogue.ids, "holdout"))

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

    def eligible(self, inquiry: Inquiry) -> EligibleSet:
        """What the rules leave for one shopper, remembered, as most shoppers share a few sets.

        Raises:
            InvalidInput: If the request narrows to something unknown.
        """
        key = self.eligibility.key(inquiry)
        found = self._by_key.get(key)
        if found is None:
            found = self._set(self.eligibility.excluded(self.eligibility.of(inquiry)))
            if len(self._by_key) >= self._remembered:
                self._by_key.clear()
            self._by_key[key] = found
        return found

    def eligible_set(self, excluded: Exclusions) -> EligibleSet:
        """The set that some exclusions leave, remembered."""
        return self._set(excluded)

    def _set(self, excluded: Exclusions) -> EligibleSet:
        known = excluded.codes.tobytes() + repr(excluded.reasons).encode()
        found = self._by_codes.get(known)
        if found is None:
            if len(self._by_codes) >= self._remembered:
                self._by_codes.clear()
            mask = (excluded.codes == 0)[None, :]
            shares = self.campaign.exploration.floor.shares(mask, self.catalogue.cells)[0]
            found = self._by_codes[known] = EligibleSet.of(excluded, shares)
        return found

    def remembered(self, column: int, make: Callable[[Serving, int], T]) -> T:
        """What somebody makes of an arm, made once: answers with the same arm have most in common."""
        found = self._made.get(column)
        if found is None:
            found = self._made[column] = make(self, column)
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
