"""Decisions of one campaign that were made together, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import overload

import numpy as np

from engine.core.catalogue import Catalogue
from engine.core.context import Context
from engine.core.decision import KEPT_PROBABILITIES, Decision, Mode
from engine.core.drawing import SCALE
from engine.core.eligible_set import EligibleSet


@dataclass(frozen=True, slots=True, eq=False)
class DecisionBlock(Sequence[Decision]):
    """n decisions; reading one makes its `Decision`, while the journal takes the columns as they are.

    Attributes:
        campaign: The campaign's id.
        catalogue: Its arms.
        snapshot: Version of the model; empty without one.
        ids: n × 16 bytes.
        users: The shoppers as the journal may hold them.
        at: n times, aware UTC.
        contexts: What was known of each shopper.
        digests: n × 12 bytes, of the requests' bodies.
        modes: How each came about.
        policies: Name and parameters of the policy that each was drawn from.
        sets: What each was drawn from.
        counts: Shape (n, k), int64, probabilities over 2²⁴.
        columns: Shape (n,), the chosen columns.
        chosen: Shape (n,), the chosen counts.
        seeds: Shape (n,), int64.
    """

    campaign: str
    catalogue: Catalogue
    snapshot: str
    ids: Sequence[bytes]
    users: Sequence[str]
    at: Sequence[datetime]
    contexts: Sequence[Context]
    digests: Sequence[bytes]
    modes: Sequence[Mode]
    policies: Sequence[str]
    sets: Sequence[EligibleSet]
    counts: np.ndarray
    columns: np.ndarray
    chosen: np.ndarray
    seeds: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Decision: ...

    @overload
    def __getitem__(self, index: slice) -> list[Decision]: ...

    def __getitem__(self, index: int | slice) -> Decision | list[Decision]:
        if isinstance(index, slice):
            return [self._decision(i) for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._decision(index % len(self))

    def __iter__(self) -> Iterator[Decision]:
        return map(self._decision, range(len(self)))

    def snapshot_of(self, index: int) -> str:
        """The model behind one decision; only live ones have one."""
        return self.snapshot if self.modes[index] is Mode.LIVE else ""

    def _decision(self, i: int) -> Decision:
        eligible = self.sets[i]
        kept = self.counts[i, eligible.columns].astype(np.uint32) if len(eligible.ids) <= KEPT_PROBABILITIES else None
        return Decision(
            id=self.ids[i].hex(),
            campaign=self.campaign,
            user=self.users[i],
            decided_at=self.at[i],
            arm=self.catalogue.ids[self.columns[i]],
            eligible=eligible.ids,
            counts=kept,
            chosen_count=int(self.chosen[i]) if len(eligible.ids) > 1 else SCALE,
            seed=int(self.seeds[i]),
            context=self.contexts[i],
            mode=self.modes[i],
            catalogue=self.catalogue.digest,
            snapshot=self.snapshot_of(i),
            policy=self.policies[i],
            excluded=eligible.excluded,
            body_digest=self.digests[i].hex(),
        )
