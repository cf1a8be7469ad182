"""Rules act before the draw: each takes arms away, with a reason."""

from engine.core.rules.audience import Audience
from engine.core.rules.campaign_dates import CampaignDates
from engine.core.rules.consent import Consent
from engine.core.rules.eligibility import Eligibility, Eligible
from engine.core.rules.hours import Hours
from engine.core.rules.narrowing import Narrowing
from engine.core.rules.rule import Inquiry, Rule
from engine.core.rules.variant_state import VariantStates

__all__ = [
    "Audience",
    "CampaignDates",
    "Consent",
    "Eligibility",
    "Eligible",
    "Hours",
    "Inquiry",
    "Narrowing",
    "Rule",
    "VariantStates",
]
