"""Copy and campaigns meant for some shoppers only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.core.catalogue import Catalogue
from engine.core.feature import Scalar
from engine.core.rules.rule import Inquiry

AudienceSpec = Mapping[str, tuple[Scalar, ...]]


class Audience:
    """Excludes arms by attribute: each named attribute must be present and have one of the listed values."""

    reasons = ("campaign_audience", "variant_audience")

    def __init__(self, catalogue: Catalogue, campaign: AudienceSpec) -> None:
        self._campaign = campaign
        self._everything = np.ones(len(catalogue), dtype=np.uint8)
        self._variants = [
            (variant.audience, np.array([a is not None and a.variant == variant.id for a in catalogue.arms]))
            for variant in catalogue.variants
            if variant.audience
        ]

    @property
    def is_selective(self) -> bool:
        """Whether there is any audience."""
        return bool(self._campaign or self._variants)

    def key(self, inquiry: Inquiry) -> tuple[bool, ...] | None:
        """See `Rule`: to which of the audiences the shopper belongs."""
        if not self.is_selective:
            return None
        attributes = inquiry.context.attributes
        return _belongs(attributes, self._campaign), *(_belongs(attributes, a) for a, _ in self._variants)

    def excluded(self, inquiry: Inquiry) -> np.ndarray | None:
        """See `Rule`."""
        attributes = inquiry.context.attributes
        if not _belongs(attributes, self._campaign):
            return self._everything
        if not self._variants:
            return None
        codes = np.zeros(len(self._everything), dtype=np.uint8)
        for audience, mask in self._variants:
            if not _belongs(attributes, audience):
                codes[mask] = 2
        return codes


def _belongs(attributes: Mapping[str, Scalar], audience: AudienceSpec) -> bool:
    return all(attributes.get(name) in values for name, values in audience.items())
