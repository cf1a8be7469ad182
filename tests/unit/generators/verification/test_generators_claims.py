"""Every rule is tried on its own examples; evasions change nothing; categories choose their rules."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.data import load_toml
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.verification import ClaimCheck, ProfanityCheck
from generators.verification.claim_rules import NEEDS, ClaimRule, claim_rules
from generators.verification.folding import folded
from generators.verification.regulated import regulated_groups

CORPUS = Path(__file__).parent / "corpus"


def corpus(name: str) -> list[str]:
    """Return the lines of a file but the first, which says what they are."""
    return (CORPUS / name).read_text(encoding="utf-8").splitlines()[1:]


RULES = claim_rules()


def brief(title: str = "Mug", category: str = "", offer: Offer | None = None, banned: tuple[str, ...] = ()) -> Brief:
    return Brief("b", Product(title, 2400, "USD", category=category), offer or Offer(), banned_words=banned)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_catches_and_spares_its_own_examples(rule: ClaimRule) -> None:
    assert rule.caught
    assert rule.spared
    assert rule.source
    assert rule.reason
    for text in rule.caught:
        assert rule.words_in(folded(text)), text
    for text in rule.spared:
        assert not rule.words_in(folded(text)), text


def test_rules_have_ids_of_their_own_and_known_groups_and_needs() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert {rule.group for rule in RULES} <= {"", *load_toml("regulated.toml")}
    assert {rule.needs for rule in RULES} <= {"", *NEEDS}


@pytest.mark.parametrize(
    "text",
    [
        "最 佳",
        "最·佳",
        "最-佳",
        "最\u200b佳",
        "蕞佳",
        "朂好",
        "全網最低",
        "國家級",
        "第①品牌",
        "The ｂｅｓｔ",
        "the b.e.s.t one",
        "the bеѕt",
        "B E S T mug",
        "NO. 1",
    ],
)
def test_evasions_are_undone(text: str) -> None:
    assert ClaimCheck().reasons(text.replace("①", "一"), brief(), FieldLimit()), text


@pytest.mark.parametrize(
    ("title", "category", "group"),
    [
        ("Napa Red Wine", "", "alcohol"),
        ("Wine glass", "", ""),
        ("Infant Formula Stage", "Baby", "infant_formula"),
        ("自然堂雪域精粹面霜", "", "cosmetic"),
        ("国产白酒", "", "alcohol"),
        ("香槟色连衣裙", "服装", ""),
        ("Garlic Oil - Vegetarian Capsule", "Hair Care", "supplement"),
        ("Stoneware Mug", "Kitchen", ""),
    ],
)
def test_category_words_choose_the_group(title: str, category: str, group: str) -> None:
    assert (
        (group in regulated_groups(brief(title, category))) if group else not regulated_groups(brief(title, category))
    )


def test_a_group_rule_binds_its_group_only() -> None:
    check, text = ClaimCheck(), "Unwind after a long day."
    assert check.reasons(text, brief("Napa Red Wine"), FieldLimit())
    assert not check.reasons(text, brief("Wool blanket"), FieldLimit())
    assert check.reasons("20% off", brief("Infant Formula", offer=Offer(OfferKind.PERCENT, percent=20)), FieldLimit())


def test_what_the_offer_bears_out_may_be_said() -> None:
    offer = Offer(OfferKind.PERCENT, percent=50, code="MUG50", ends=date(2026, 11, 30))
    text = "Save with code MUG50: half price, ends on Nov 30"
    assert not ClaimCheck().reasons(text, brief(offer=offer), FieldLimit())
    assert len(ClaimCheck().reasons(text, brief(), FieldLimit())) == 4


def test_banned_words_of_a_brief_are_found_in_disguise() -> None:
    for text in ("LUXURY", "l u x u r y", "lυxury"):
        assert ClaimCheck().reasons(text, brief(banned=("luxury",)), FieldLimit()), text


SWEARING = corpus("swearing.txt")
INNOCENT = corpus("innocent.txt")


@pytest.mark.parametrize("text", SWEARING)
def test_swearing_is_found_in_disguise(text: str) -> None:
    assert ProfanityCheck().reasons(f"so {text} it is", brief(), FieldLimit())


@pytest.mark.parametrize("text", INNOCENT)
def test_scunthorpe_may_buy_cocktails(text: str) -> None:
    assert ProfanityCheck().reasons(f"some {text} here", brief(), FieldLimit()) == []
