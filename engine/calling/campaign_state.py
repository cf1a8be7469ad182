"""A campaign, as the client returns it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CampaignState:
    """A stored campaign.

    Attributes:
        id: Campaign id.
        revision: Grows with every change; name it to change just what you saw.
        settings: In the same keys as a campaign's TOML file, variants included.
        catalogue: Digest of its arms and their features.
        arms: Number of arms, `hold` included.
    """

    id: str
    revision: int
    settings: Mapping[str, Any]
    catalogue: str
    arms: int
