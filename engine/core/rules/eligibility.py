"""All rules of a campaign, applied in one fixed order."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from engine.core.campaign import Campaign
from engine.core.catalogue import Catalogue
from engine.core.exclusions import Exclusions
from engine.core.rules.audience import Audience
from engine.core.rules.campaign_dates import CampaignDates
from engine.core.rules.consent import Consent
from engine.core.rules.hours import Hours
from engine.core.rules.narrowing import Narrowing
from engine.core.rules.rule import Inquiry, Rule
from engine.core.rules.variant_state import VariantStates


@dataclass(frozen=True, slots=True)
class Eligible:
    """Which arms may be drawn for one shopper, and why the others may not.

    Attributes:
        mask: Shape (k,), bool; column 0, `hold`, is always true.
        codes: Shape (k,), uint8; 0 where eligible, else 1 + index into the reasons of `Eligibility`.
    """

    mask: np.ndarray
    codes: np.ndarray


class Eligibility:
    """Applies the rules; the first one to exclude an arm gives its reason."""

    def __init__(self, campaign: Campaign, catalogue: Catalogue) -> None:
        self._ids = catalogue.ids
        self._audience = Audience(catalogue, campaign.audience)
        self._hours = Hours(catalogue, campaign.quiet_hours, campaign.time_zone) if campaign.keeps_hours else None
        self._rules: tuple[Rule, ...] = (
            CampaignDates(len(catalogue), campaign.starts_at, campaign.ends_at, paused=campaign.paused),
            VariantStates(catalogue),
            self._audience,
            Consent(catalogue),
            *((self._hours,) if self._hours is not None else ()),
            Narrowing(catalogue),
        )
        self.reasons: tuple[str, ...] = tuple(reason for rule in self._rules for reason in rule.reasons)

    @property
    def reads_attributes(self) -> bool:
        """Whether what a shopper may get depends on attributes."""
        return self._audience.is_selective

    def key(self, inquiry: Inquiry) -> Hashable:
        """What `of` depends on: inquiries with equal keys have equal answers."""
        return tuple([rule.key(inquiry) for rule in self._rules])

    def of(self, inquiry: Inquiry) -> Eligible:
        """Decide eligibility for one shopper.

        Raises:
            InvalidInput: If the request narrows to something unknown.
        """
        codes = np.zeros(len(self._ids), dtype=np.uint8)
        offset = 0
        for rule in self._rules:
            found = rule.excluded(inquiry)
            if found is not None:
                new = (codes == 0) & (found > 0)
                codes[new] = found[new] + offset
            offset += len(rule.reasons)
        codes[0] = 0
        return Eligible(codes == 0, codes)

    def send_at(self, column: int, inquiry: Inquiry) -> datetime | None:
        """When an arm decided on now is to be sent; at once where its campaign keeps no hours, None for `hold`.

        Args:
            column: The arm's place in the catalogue.
            inquiry: The shopper and the moment of deciding.

        Raises:
            InvalidInput: If the inquiry's time zone is unknown.
        """
        if self._hours is not None:
            return self._hours.send_at(column, inquiry)
        return inquiry.at if column else None

    def excluded(self, eligible: Eligible) -> Exclusions:
        """Arm id → reason, of every excluded arm."""
        return Exclusions(self._ids, eligible.codes, self.reasons)
