"""Terms are read from briefs, written in both languages, read back, and never left out where they bind."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.errors import InvalidInput
from generators.brief import Brief
from generators.brief_file import brief_of
from generators.facts import Facts
from generators.hooks import TemplateHooks
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.studio import Studio
from generators.terms import Terms
from generators.verification import Verifier


def record(**terms: Any) -> dict[str, Any]:
    offer = {"kind": "amount", "amount_minor": 3000, "terms": terms}
    product = {"title": "手作陶杯", "price_minor": 6800, "currency": "CNY", "brand": "山野集"}
    return {"id": "b", "product": product, "offer": offer, "language": "zh", "sender": "山野集", "emoji": {"most": 1}}


def test_a_brief_file_holds_terms_sender_and_emoji() -> None:
    brief = brief_of(record(min_spend_minor=20000, per_customer=1, new_customers=True, regions=["上海", "北京"]))
    assert brief.offer.terms == Terms(20000, 1, True, ("上海", "北京"))
    assert brief.sender == "山野集"
    assert brief.emoji.most == 1
    slots = Facts.of(brief).slots
    assert slots["terms"] == "仅限新用户。每人限享1次。仅限上海、北京地区使用。"
    assert (slots["least"], slots["off"], slots["payable"]) == ("200", "30", "¥68")
    assert "reference" not in slots


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"min_spend_minor": -1}, "min_spend_minor"),
        ({"min_spend_minor": 3000}, "more than amount_minor"),
        ({"per_customer": 100}, "per_customer"),
        ({"regions": ["a" * 61]}, "60 characters"),
        ({"regions": ["满200减30"]}, "plain name"),
        ({"new_customers": "yes"}, "true or false"),
        ({"min_spent": 1}, "did you mean 'min_spend_minor'"),
    ],
)
def test_wrong_terms_are_refused(terms: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        brief_of(record(**terms))


def test_an_offer_on_the_order_needs_an_offer_of_its_kind() -> None:
    with pytest.raises(InvalidInput, match="minimum spend"):
        Offer(OfferKind.MARKDOWN, terms=Terms(100))
    with pytest.raises(InvalidInput, match="terms without an offer"):
        Offer(terms=Terms(0, 1))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "offer",
    [
        Offer(OfferKind.AMOUNT, amount_minor=3000, terms=Terms(20000, 2, True, ("上海",))),
        Offer(OfferKind.PERCENT, percent=15, code="MUG15", terms=Terms(9950)),
        Offer(OfferKind.FREE_SHIPPING, terms=Terms(9900)),
        Offer(OfferKind.PERCENT, percent=15, terms=Terms(0, 1)),
    ],
)
def test_terms_stand_in_what_is_sent(offer: Offer, language: str) -> None:
    regions = ("Kent", "Devon") if language == "en" and offer.terms.regions else offer.terms.regions
    terms = Terms(offer.terms.min_spend_minor, offer.terms.per_customer, offer.terms.new_customers, regions)
    offer = Offer(offer.kind, offer.percent, offer.amount_minor, offer.code, terms=terms)
    product = Product(
        "Stoneware Mug" if language == "en" else "手作陶杯", 6800, "CNY", "山野集" if language == "zh" else ""
    )
    brief = Brief("b", product, offer, language)
    written = Studio(TemplateHooks()).write([brief], 12)
    assert len(written) == 12
    for item in written:
        for field in (item.draft.channels["email"]["body"], item.draft.channels["sms"]["text"]):
            for region in regions:
                assert region in field
            if terms.per_customer:
                assert str(terms.per_customer) in field
        for _, _, text in item.draft.strings():
            if terms.min_spend_minor and any(cue in text for cue in ("off", "折", "减", "包邮", "free")):
                assert "满" in text or "orders of" in text
        if language == "zh":
            assert item.draft.channels["sms"]["text"].startswith("【山野集】")
        assert Verifier().findings(item.draft, brief) == []
