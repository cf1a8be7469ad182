"""The settings that decide what a journal teaches."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

from engine.core.campaign import Campaign
from engine.core.outcome import OutcomeType
from engine.core.reading import plain


def settings_digest(campaign: Campaign) -> str:
    """Names everything that decides what a journal teaches: objective and scale, features, options, horizons, rule.

    VW cannot unlearn, so a model that was trained under other settings has to be built anew from the journal. What may
    change at any time is left out: variants, shares, exploration, publishing, audience, dates; and, where the objective
    has no comments, how long comments count, so that models from before there were comments stay valid.
    """
    settings = {
        "objective": plain(campaign.objective),
        "schema": plain(campaign.schema),
        "learning": plain(campaign.learning),
        "horizons_s": {str(kind): campaign.horizon_s(kind) for kind in OutcomeType if _teaches(campaign, kind)},
        "training_horizon_s": campaign.training_horizon_s,
        "attribution": campaign.attribution,
    }
    return hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=12).hexdigest()


def _teaches(campaign: Campaign, kind: OutcomeType) -> bool:
    return kind is not OutcomeType.COMMENT or OutcomeType.COMMENT in campaign.objective.weights


def horizons(campaign: Campaign) -> dict[OutcomeType, timedelta]:
    """Outcome type → how long after a decision it counts."""
    return {kind: timedelta(seconds=campaign.horizon_s(kind)) for kind in OutcomeType}
