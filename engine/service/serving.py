"""One campaign, made ready to decide: everything that does not change between two requests."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np

from engine.core.arm import Arm
from engine.core.campaign import Campaign
from engine.core.catalogue import Catalogue
from engine.core.compiled import CompiledModel, ScoringMatrix
from engine.core.eligible_set import EligibleSet
from engine.core.errors import CorruptState
from engine.core.policy import ModelPolicy, Policy, UniformPolicy
from engine.core.rules.eligibility import Eligibility
from engine.core.rules.rule import Inquiry
from engine.store.snapshots import Snapshot

_CACHED_ARMS = 2_000_000
"""Of remembered eligible sets, all together: some 16 bytes each."""


class Serving:
    """A campaign with its rules, its policy and, once something is learned, its model.

    It is immutable for requests: a new snapshot or a changed campaign makes a new `Serving`, and requests under way
    finish with the one they began with.
    """

    def __init__(self, campaign: Campaign, revision: int, snapshot: Snapshot | None) -> None:
        """Derive the arm matrix and precompute the rules.

        Raises:
            CorruptState: If the snapshot was learned under another schema, so that its columns mean other things.
        """
        self.campaign = campaign
        self.revision = revision
        self.catalogue: Catalogue = campaign.catalogue()
        self.eligibility = Eligibility(campaign, self.catalogue)
        self.snapshot = snapshot.manifest.version if snapshot else ""
        self.matrix: ScoringMatrix | None = None
        self.policy: Policy | None = self._policy(snapshot) if snapshot else None
        self.uniform = UniformPolicy()
        self._texts = {(v.id, channel): texts for v in campaign.variants for channel, texts in v.channels.items()}
        self._remembered = max(64, min(4096, _CACHED_ARMS // len(self.catalogue)))
        self._by_key: dict[Hashable, EligibleSet] = {}
        self._by_codes: dict[bytes, EligibleSet] = {}
        self._reasons = (*self.eligibility.reasons, "holdout")
        everything = np.full(len(self.catalogue), len(self._reasons), dtype=np.uint8)
        everything[0] = 0
        self.hold_only = self._set(everything)

    def _policy(self, snapshot: Snapshot) -> Policy:
        campaign = self.campaign
        explorer = campaign.exploration.explorer({str(arm): i for i, arm in enumerate(self.catalogue.ids)})
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
        return compiled.matrix(self.catalogue.features())

    def eligible(self, inquiry: Inquiry) -> EligibleSet:
        """What the rules leave for one shopper, remembered, as most shoppers share a few sets.

        Raises:
            InvalidInput: If the request narrows to something unknown.
        """
        key = self.eligibility.key(inquiry)
        found = self._by_key.get(key)
        if found is None:
            found = self._set(self.eligibility.of(inquiry).codes)
            if len(self._by_key) >= self._remembered:
                self._by_key.clear()
            self._by_key[key] = found
        return found

    def _set(self, codes: np.ndarray) -> EligibleSet:
        known = codes.tobytes()
        found = self._by_codes.get(known)
        if found is None:
            if len(self._by_codes) >= self._remembered:
                self._by_codes.clear()
            shares = self.campaign.exploration.floor.shares((codes == 0)[None, :], self.catalogue.cells)[0]
            found = self._by_codes[known] = EligibleSet.of(codes, self._reasons, self.catalogue.ids, shares)
        return found

    def content(self, arm: Arm) -> Mapping[str, str]:
        """The finished strings of an arm's variant for its channel."""
        return self._texts.get((arm.variant, arm.channel), {})
