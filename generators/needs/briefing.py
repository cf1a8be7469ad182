"""From needs to briefs for copy."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.core.errors import InvalidInput
from generators.brief import CHANNELS, Brief
from generators.brief_plain import brief_plain
from generators.needs.analysis import NeedsAnalysis
from generators.needs.interest import Interest
from generators.needs.needs import Needs
from generators.needs.stage import BOUGHT, BROWSING, CONSIDERING, DUE, LAPSED
from generators.offer import Offer, OfferKind

# A rule of thumb, for a person to change: who is about to decide is not shouted at.
TONES = {BROWSING: "lively", CONSIDERING: "warm", BOUGHT: "warm", DUE: "plain", LAPSED: "warm"}
_LATELY_DAYS = 30.0


@dataclass(frozen=True, slots=True)
class BriefFromNeeds:
    """A brief, and why it is as it is.

    Attributes:
        brief: To write copy for.
        evidence: JSON object for the provenance: whose need, which interest with its confidence and events, and the
            reasons for product, offer, tone, channels and time.
    """

    brief: Brief
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Campaign:
    """What a campaign allows.

    Attributes:
        products: Product id → facts, as a brief of the feed without audience.
        offer: For price-sensitive shoppers; of kind `markdown` for products that have a list price.
        language: Of the copy.
        channels: To write for.
        least_confidence: Interests below it get no brief.
        per_interest: Products for each interest.
    """

    products: Mapping[str, Brief]
    offer: Offer = Offer()  # noqa: RUF009 - frozen
    language: str = "en"
    channels: tuple[str, ...] = CHANNELS
    least_confidence: float = 0.8
    per_interest: int = 1

    def __post_init__(self) -> None:
        if self.offer.kind not in (OfferKind.NONE, OfferKind.MARKDOWN, OfferKind.PERCENT):
            raise InvalidInput(f"expected none, markdown or percent, got {self.offer.kind.value}", field="--offer")


def briefs_for(
    needs: Needs, analysis: NeedsAnalysis, campaign: Campaign, scores: Mapping[str, float]
) -> list[BriefFromNeeds]:
    """Briefs for each sure interest, the surest first.

    A shopper is offered nothing that they bought lately (within the category's cycle, or 30 days), unless the next
    purchase is due; then what they buy again may be offered. Only who is price-sensitive with probability 0.8 gets the
    campaign's offer: for the others it would give margin away.

    Args:
        needs: Of a shopper or a segment.
        analysis: That they come from.
        campaign: What it allows.
        scores: Product id → how well it suits them, greater is better; missing is worst.
    """
    found = []
    for interest in needs.interests:
        if interest.confidence >= campaign.least_confidence:
            for item in _suitable(needs, interest, analysis, campaign, scores)[: campaign.per_interest]:
                found.append(brief_for(needs, interest, item, campaign))
    return found


def brief_for(needs: Needs, interest: Interest, item: str, campaign: Campaign) -> BriefFromNeeds:
    """One brief.

    Args:
        needs: Of a shopper or a segment.
        interest: Of them.
        item: A product of the campaign.
        campaign: What it allows.

    Raises:
        InvalidInput: If the campaign does not have the product.
    """
    facts = campaign.products.get(item)
    if facts is None:
        raise InvalidInput("expected a product of the campaign's feed", field="item")
    sensitive = needs.price.level == "high"
    offer, why = _offer(facts, campaign.offer, sensitive)
    stage = (
        interest.stage.name if interest.stage else max(interest.stages, key=lambda name: (interest.stages[name], name))
    )
    order = [habit.channel for habit in needs.channels if habit.channel in campaign.channels]
    channels = (*order, *(channel for channel in campaign.channels if channel not in order))
    audience = dict(needs.audience) or _audience(interest, campaign, sensitive)
    who = re.sub(r"[^A-Za-z0-9_.-]+", "-", needs.name)[:24] if needs.kind == "segment" else "shopper"
    brief = replace(
        facts,
        offer=offer,
        language=campaign.language,
        tone=TONES[stage],
        channels=channels,
        audience=audience,
    )
    # Shoppers who need the same share a brief; what differs in anything has another id.
    digest = hashlib.blake2b(repr(sorted(brief_plain(brief).items())).encode(), digest_size=4).hexdigest()
    brief = replace(brief, id=f"{f'{who}.{interest.topic.key}.{facts.id}'[:71]}.{digest}")
    plain = needs.to_json()
    place = needs.interests.index(interest)
    evidence = {
        "schema": "armsreach.brief_evidence.v1",
        "brief": brief.id,
        "kind": needs.kind,
        "name": needs.name,
        "as_of": plain["as_of"],
        "interest": plain["interests"][place],
        "product": {"id": item, "why": "in the interest's topic" + (", due again" if stage == DUE else "")},
        "offer": {"kind": offer.kind.value, "why": why, "price": plain["price"]},
        "tone": {"tone": brief.tone, "why": f"stage {stage}"},
        "channels": {
            "why": "by clicks per message" if order else "as the campaign has them",
            "habits": plain["channels"],
        },
        "best_hours": [dataclasses.asdict(slot) for slot in needs.hours.slots],
        "time_zone": needs.hours.zone,
    }
    return BriefFromNeeds(brief, evidence)


def _audience(
    interest: Interest, campaign: Campaign, sensitive: bool
) -> dict[str, tuple[str | int | float | bool, ...]]:
    """Of a shopper's brief: all who have the interest; and where there is an offer, those whom it is for, or not."""
    found: dict[str, tuple[str | int | float | bool, ...]] = {"interest": (interest.topic.key,)}
    if campaign.offer.kind is not OfferKind.NONE:
        found["price_sensitivity"] = ("high",) if sensitive else ("low", "average", "unknown")
    return found


def _offer(facts: Brief, allowed: Offer, sensitive: bool) -> tuple[Offer, str]:
    if not sensitive:
        return Offer(), "not known to be price-sensitive"
    if allowed.kind is OfferKind.NONE:
        return Offer(), "price-sensitive, and the campaign allows no offer"
    if allowed.kind is OfferKind.MARKDOWN and facts.offer.kind is not OfferKind.MARKDOWN:
        return Offer(), "price-sensitive, and the product is not marked down"
    if allowed.kind is OfferKind.MARKDOWN:
        return facts.offer, "price-sensitive, and the product is marked down"
    return allowed, "price-sensitive"


def _suitable(
    needs: Needs, interest: Interest, analysis: NeedsAnalysis, campaign: Campaign, scores: Mapping[str, float]
) -> list[str]:
    """Products of the campaign in the topic, best first."""
    topic = analysis.topics.named.index(interest.topic)
    unknown = [item for item in campaign.products if item not in analysis.topics.items]
    texts = [
        " ".join((campaign.products[item].product.title, campaign.products[item].product.category)) for item in unknown
    ]
    by_text = dict(zip(unknown, analysis.topics.of_texts(texts).tolist(), strict=True))
    inside = [item for item in campaign.products if analysis.topics.items.get(item, by_text.get(item, -1)) == topic]
    # A topic may hold a few products of other kinds; what is offered is of the kind that the interest is called by.
    inside = [item for item in inside if analysis.bears_name(item, interest.topic)]
    if needs.kind == "shopper":
        stage = interest.stage
        if stage is None or stage.name not in (DUE, LAPSED):
            days = stage.cycle.days if stage and stage.cycle.days else _LATELY_DAYS
            lately = analysis.bought_since(needs.name, max(days, _LATELY_DAYS))
            inside = [item for item in inside if item not in lately]
    return sorted(inside, key=lambda item: (-scores.get(item, -1e9), item))
