"""Three lists of statements that no brief bears out, and true sentences that have to stay."""

from __future__ import annotations

from datetime import date

import pytest

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.verification import ClaimCheck, FactCheck, FormCheck
from tests.unit.generators.verification.test_generators_wrong_facts import BEI, MUG, corpus

LIMIT = FieldLimit()
CHECKS = (FactCheck(), ClaimCheck(), FormCheck())


def lines(kind: str) -> list[tuple[str, Brief]]:
    return [(text, brief) for brief in (MUG, BEI) for text in corpus(f"{kind}_{brief.language}.txt")]


def reasons(text: str, brief: Brief) -> list[str]:
    return [reason for check in CHECKS for reason in check.reasons(text, brief, LIMIT)]


@pytest.mark.parametrize(("text", "brief"), [*lines("unseen"), *lines("later")])
def test_what_no_brief_bears_out_is_caught(text: str, brief: Brief) -> None:
    frame = "手作陶杯 320毫升，{}。" if brief.language == "zh" else "Stoneware Mug: {}."
    assert reasons(text, brief)
    assert reasons(frame.format(text), brief)


@pytest.mark.parametrize(("text", "brief"), lines("true"))
def test_what_is_true_stays(text: str, brief: Brief) -> None:
    assert reasons(text, brief) == []


@pytest.mark.parametrize(("language", "least"), [("en", 42), ("zh", 38)])
def test_wordings_that_no_rule_was_made_for(language: str, least: int) -> None:
    """The honest share: a claim without a figure, in words that no rule knows, passes; one with digits never does."""
    tried = [(text, brief) for text, brief in lines("last") if brief.language == language]
    passed = [text for text, brief in tried if not reasons(text, brief)]
    assert len(tried) - len(passed) >= least
    assert [text for text in passed if any(map(str.isdigit, text))] == []


def test_the_stop_of_a_short_month_ends_its_sentence() -> None:
    brief = Brief("b", Product("Mug", 2400, "GBP"), Offer(OfferKind.PERCENT, percent=25, ends=date(2026, 11, 30)))
    assert reasons("25% off until 30 Nov. Take all the time you like.", brief) == []
    assert reasons("25% off until 30 Nov. at noon", brief)


def test_words_of_the_name_take_nothing_out_of_free_delivery() -> None:
    brief = Brief("b", Product("Sugar Free Biscuits", 2400, "GBP"), Offer(OfferKind.FREE_SHIPPING))
    assert reasons("£24 with free delivery", brief) == []
    assert reasons("Sugar Free Biscuits with delivery: £24 with delivery", brief)
