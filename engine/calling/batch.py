"""Many shoppers in columns, and their decisions in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from engine.core.decision import Mode
from engine.core.feature import Scalar


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One message of `DecideBatch`: n shoppers of one campaign.

    Attributes:
        campaign: Campaign id.
        users: n user ids.
        embeddings: Shape (n, d), finite; sent as float32.
        attributes: Name → n values of one kind; `None` where a shopper has none.
        request_ids: Empty, or n ids; a batch that is sent again under the same ids gives the same decisions.
        consents: Channels that all these shoppers agreed to.
        consent_columns: Channel → shape (n,), true where the shopper agreed.
        channels: Channels to narrow to; empty for all.
        slots: Slots to narrow to.
        variants: Variants to narrow to.
        at: Time of the decisions; believed only under a client clock.
        tag: Comes back with the answer.
        request_id: For the batch as a whole, where its shoppers have none: sent again, it gives the same decisions.
        time_zones: IANA zones: empty, one for all shoppers, or n; an empty one is the campaign's.
    """

    campaign: str
    users: Sequence[str]
    embeddings: np.ndarray
    attributes: Mapping[str, Sequence[Scalar | None]] = field(default_factory=dict)
    request_ids: Sequence[str] = ()
    consents: Sequence[str] = ()
    consent_columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    channels: Sequence[str] = ()
    slots: Sequence[str] = ()
    variants: Sequence[str] = ()
    at: datetime | None = None
    tag: str = ""
    time_zones: Sequence[str] = ()
    request_id: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class BatchAnswer:
    """The decisions of one `Batch`, in the order of its users.

    Attributes:
        tag: The batch's tag.
        decision_ids: n ids.
        arms: n arm ids.
        propensities: Shape (n,), float32: multiples of 2⁻²⁴, exact.
        modes: n modes.
        snapshot: The model that served at the time.
    """

    tag: str
    decision_ids: tuple[str, ...]
    arms: tuple[str, ...]
    propensities: np.ndarray
    modes: tuple[Mode, ...]
    snapshot: str

    def __len__(self) -> int:
        return len(self.decision_ids)
