"""Each check finds what it is for, and the verifier runs them all."""

from __future__ import annotations

from datetime import date

import pytest

from generators.brief import Brief
from generators.draft import Draft
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.verification import Verifier

MUG = Brief(
    id="mug",
    product=Product("Stoneware Mug", 2400, "USD", "Halden", "Kitchen"),
    offer=Offer(OfferKind.PERCENT, percent=25, code="MUG25", ends=date(2026, 11, 30)),
    channels=("push", "sms"),
)
BEI = Brief(
    id="bei",
    product=Product("手作陶杯 320毫升", 6800, "CNY", "山野集", "餐厨", 9800),
    offer=Offer(OfferKind.MARKDOWN),
    language="zh",
    channels=("push",),
    banned_words=("高端",),
)


def english(body: str = "Stoneware Mug: 25% off, now $18 (was $24). Use code MUG25.", title: str = "Hello") -> Draft:
    sms = "Stoneware Mug: 25% off. Use code MUG25. Until Nov 30. Reply STOP to opt out"
    return Draft({"push": {"title": title, "body": body}, "sms": {"text": sms}}, "Hello", "warm", "hook")


def chinese(body: str, title: str = "忙完这一天") -> Draft:
    return Draft({"push": {"title": title, "body": body}}, title, "warm", "hook")


def test_true_copy_passes() -> None:
    assert Verifier().findings(english(), MUG) == []
    assert Verifier().findings(chinese("手作陶杯 320毫升，现价¥68，原价¥98。"), BEI) == []


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("Stoneware Mug: 20% off. Use code MUG25.", "facts"),
        ("Stoneware Mug: now $24 (was $18). Use code MUG25.", "facts"),
        ("Stoneware Mug: now €18. Use code MUG25.", "facts"),
        ("Stoneware Mug: 25% more. Use code MUG25.", "facts"),
        ("Stoneware Mug: 25% off. Use code MUG52.", "facts"),
        ("Stoneware Mug: 25% off until Nov 29. Use code MUG25.", "facts"),
        ("Stoneware Mug: 25% off.", "facts"),
        ("Stoneware Mug: 25% off, one of three colours, 3 left. Use code MUG25.", "facts"),
        ("The best Stoneware Mug. Use code MUG25.", "claims"),
        ("Stoneware Mug with free delivery. Use code MUG25.", "claims"),
        ("Stoneware Mug at half price. Use code MUG25.", "claims"),
        ("Damn good Stoneware Mug. Use code MUG25.", "profanity"),
        ("Stoneware Mug 陶杯. Use code MUG25.", "language"),
        ("{name}: 25% off. Use code MUG25.", "form"),
        ("Stoneware Mug \N{FIRE}. Use code MUG25.", "emoji"),
        ("Stoneware MUG!! Use code MUG25.", "tone"),
        ("STONEWARE DREAMS. Use code MUG25.", "tone"),
        ("Stoneware Mug, so good. " * 6 + "Use code MUG25.", "length"),
    ],
)
def test_false_english_copy_is_found(body: str, check: str) -> None:
    assert check in {finding.check for finding in Verifier().findings(english(body), MUG)}


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("手作陶杯，6折。", "facts"),
        ("手作陶杯，现价¥98，原价¥68。", "facts"),
        ("手作陶杯，只要五十元。", "facts"),
        ("全网最低，手作陶杯，现价¥68。", "claims"),
        ("手作陶杯，包邮到家。", "claims"),
        ("高端手作陶杯，现价¥68。", "claims"),
        ("手作陶杯 nice，现价¥68。", "language"),
        ("妈的，手作陶杯，现价¥68。", "profanity"),
    ],
)
def test_false_chinese_copy_is_found(body: str, check: str) -> None:
    assert check in {finding.check for finding in Verifier().findings(chinese(body), BEI)}


def test_a_missing_and_an_unasked_channel_are_found() -> None:
    draft = Draft({"push": {"title": "Hello", "body": "Use code MUG25."}, "banner": {"cta": "See"}}, "", "warm", "hook")
    fields = {(f.channel, f.field) for f in Verifier().findings(draft, MUG) if f.check == "form"}
    assert fields == {("sms", "text"), ("banner", "cta")}
