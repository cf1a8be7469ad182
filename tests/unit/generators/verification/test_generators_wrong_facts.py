"""An adversary writes false facts in every way that a reader understands; none may pass, and no true one may fail."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.currency import Currency
from generators.facts import Facts
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.terms import Terms
from generators.verification import FactCheck

CORPUS = Path(__file__).parent / "corpus"


def corpus(name: str) -> list[str]:
    """Return the lines of a file but the first, which says what they are."""
    return (CORPUS / name).read_text(encoding="utf-8").splitlines()[1:]


MUG = Brief(
    "mug",
    Product("Stoneware Mug", 2400, "USD", "Halden", "Kitchen"),
    Offer(OfferKind.PERCENT, percent=25, code="MUG25", ends=date(2026, 11, 30)),
)
BEI = Brief(
    "bei",
    Product("手作陶杯 320毫升", 12000, "CNY", "山野集", "餐厨", 15000),
    Offer(OfferKind.MARKDOWN, ends=date(2026, 11, 30)),
    language="zh",
)
ORDER = Brief(
    "order",
    Product("Stoneware Mug", 2400, "USD"),
    Offer(OfferKind.AMOUNT, amount_minor=1000, terms=Terms(5000, 1, True, ("Kent", "Devon"))),
)
MAN = Brief(
    "man",
    Product("手作陶杯", 6800, "CNY"),
    Offer(OfferKind.AMOUNT, amount_minor=3000, terms=Terms(20000)),
    language="zh",
)


def reasons(text: str, brief: Brief) -> list[str]:
    return FactCheck().reasons(text, brief, FieldLimit())


WRONG_EN = corpus("wrong_facts_en.txt")

WRONG_ZH = corpus("wrong_facts_zh.txt")

WRONG_ORDER = corpus("wrong_facts_order_en.txt")
WRONG_MAN = corpus("wrong_facts_order_zh.txt")


@pytest.mark.parametrize(
    ("text", "brief"),
    [
        (text, brief)
        for texts, brief in ((WRONG_EN, MUG), (WRONG_ZH, BEI), (WRONG_ORDER, ORDER), (WRONG_MAN, MAN))
        for text in texts
    ],
)
def test_a_false_fact_is_caught(text: str, brief: Brief) -> None:
    frame = "手作陶杯 320毫升，{}。" if brief.language == "zh" else "Stoneware Mug: {}."
    assert reasons(text, brief), text
    assert reasons(frame.format(text), brief), text


@pytest.mark.parametrize(
    ("text", "brief"),
    [
        ("25% off, now $18 (was $24)", MUG),
        ("$18 instead of $24. Use code MUG25. Until Nov 30.", MUG),
        ("25% off the regular $24, until 30 November 2026", MUG),
        ("Save $6 on Stoneware Mug by Halden: $6 off, $18.00", MUG),
        ("25% discount. On until November 30th!", MUG),
        ("One for the shelf, a moment for you, one more cup.", MUG),
        ("8折，到手价¥120，原价¥150，活动至11月30日。", BEI),
        ("八折，现价120元，省30元，有效期至2026年11月30日。", BEI),
        ("手作陶杯 320毫升，立减¥30，￥１２０带回家", BEI),
        ("一起把日子过成一首诗，千万别急，一点一点来，十分惬意，一日三餐，一年四季，万家灯火。", BEI),
        ("$10 off orders of $50 or more. Limit 1 per customer. Valid in Kent and Devon only.", ORDER),
        ("Stoneware Mug for $24. For new customers only.", ORDER),
        ("手作陶杯¥68，满200减30。", MAN),
        ("满¥200减¥30，满200元立减30元", MAN),
    ],
)
def test_a_true_fact_passes(text: str, brief: Brief) -> None:
    assert reasons(text, brief) == []


def _money(code: str) -> st.SearchStrategy[int]:
    return st.integers(1, 10**7).map(lambda n: n if Currency.named(code).decimals else n * 100)


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(["USD", "EUR", "GBP", "INR", "CNY", "JPY", "KRW", "HKD", "CHF", "BRL"]))
def test_any_other_amount_in_any_role_is_caught(data: st.DataObject, code: str) -> None:
    currency = Currency.named(code)
    price, other = data.draw(_money(code)), data.draw(_money(code))
    language = data.draw(st.sampled_from(["en", "zh"]))
    listed = data.draw(st.integers(price + price // 50 + 1, price * 3 + 10))
    brief = (
        Brief("b", Product("Mug", price, code, list_price_minor=listed), Offer(OfferKind.MARKDOWN), language=language)
        if ((listed - price) * 100 >= listed)
        else Brief("b", Product("Mug", price, code), language=language)
    )
    facts = {price} | ({listed, listed - price} if brief.percent else set())
    assume(other not in facts)
    text = currency.written(other, language)
    frames = ("now {}", "{} off", "was {}", "{}", "yours for {}", "现价{}", "原价{}", "立减{}")
    frame = data.draw(st.sampled_from(frames))
    assert reasons(frame.format(text), brief), (frame, text)
    # The true amounts, each where it belongs and where it does not.
    true = currency.written(price, language)
    assert not reasons(f"now {true}", brief)
    if brief.percent:
        assert reasons(f"was {true}", brief)
        assert not reasons(f"was {currency.written(listed, language)}", brief)
        assert reasons(f"now {currency.written(listed, language)}", brief)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 99),
    st.integers(1, 99),
    st.dates(date(2024, 1, 1), date(2031, 12, 31)),
    st.dates(date(2024, 1, 1), date(2031, 12, 31)),
)
def test_any_other_discount_and_day_is_caught(percent: int, other: int, ends: date, day: date) -> None:
    def made(value: int, last: date, language: str) -> Brief:
        return Brief(
            "b", Product("Mug", 2400, "CNY"), Offer(OfferKind.PERCENT, percent=value, ends=last), language=language
        )

    frames = {
        "en": (("{} off", "percent"), ("until {}", "ends")),
        "zh": (("{}优惠", "percent"), ("{}", "fold"), ("活动至{}", "ends")),
    }
    for language in ("en", "zh"):
        right, wrong = (Facts.of(made(p, d, language)).slots for p, d in ((percent, ends), (other, day)))
        brief = made(percent, ends, language)
        for frame, slot in frames[language]:
            assert not reasons(frame.format(right[slot]), brief), (frame, right[slot])
            if right[slot] != wrong[slot]:
                assert reasons(frame.format(wrong[slot]), brief), (frame, wrong[slot])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "code", ["USD", "AUD", "SGD", "TWD", "THB", "MYR", "PHP", "SEK", "PLN", "AED", "NGN", "KES", "MXN", "VND"]
)
def test_every_currency_is_read_back_as_written(code: str, language: str) -> None:
    for minor in (100, 12345600, 123456 * 100 + 50):
        brief = Brief("b", Product("Mug", minor, code), language=language)
        for sms in (False, True):
            assert not reasons(f"now {Facts.of(brief, sms=sms).slots['payable']}.", brief)
