"""An adversary writes false facts in every way that a reader understands; none may pass, and no true one may fail."""

from __future__ import annotations

from datetime import date

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


# True: $18 (was $24), $6 or 25 % off, code MUG25, until Nov 30, 2026.
WRONG_EN = """
now $19 | now $18.50 | now $81 | now $24 (was $18) | $24 instead of $18 | was $18 | $18 off | save $18 | save $24
now $24 | now $6 | $6 (was $24) | €18 | £18 | ¥18 | Rs 18 | 18 euros | 18 dollars | eighteen dollars | A$18 | C$18 | HK$18
US$18 AUD | $18 CAD | $18k | $1.8k | 1.5k | $18K | $18 million | $18 thousand | $1,8 | $18,00 | $18.000 | $18'000
$1 800 | $18.0000 | $1８5 | ＄１９ | $1\u200b9 | $1\u20638 9 | $18² | $1⁸ | $①⑧ | $Ⅹ | $XVIII | XVIII dollars | XXV% off
$1️⃣8️⃣ | 2️⃣5️⃣% off | 🔟% off | 💯 off | $𝟏𝟖 | $١٨ | ٢٥% off | $१८ | from $18 | from just $18 | starting at $18
as low as $18 | under $18 | less than $18 | about $18 | almost $18 | not $18 | no longer $18 | $18 and up | $18+ | $18 each
$18 per month | $18/month | $18 a month | $18 x 2 | $18 × 3 | $18-$24 | between $18 and $24 | $18 back | $18 cashback
$18 shipping | delivery $18 | $18 deposit | worth $18 | a value of $18 | $18 gift card | plus $18 | extra $6 off
another $6 off | up to $6 off | save up to $6 | usually $18 | RRP $18 | normally $18 | list price $18 | $18 elsewhere
20% off | 52% off | 2.5% off | 0.25% off | 25% more | 25% | 25% back | 25% bigger | up to 25% off | at least 25% off
over 25% off | nearly 25% off | an extra 25% off | 25% off or more | 25%+ off | 20-25% off | 25 % cheaper than ever, 30% off
125% off | twenty percent off | twenty-five percent off | a quarter off | a third off | half off | half price | two for one
three for two | 3 for 2 | buy one get one | buy 2 get 1 | BOGO 50 | one dollar | a dollar off, two left | five bucks | twenty quid
a fiver | a tenner | eighteen ninety-nine | nineteen | a dozen | double your money | twice as nice | thirty days
until Nov 29 | until Nov 3 | until Nov 31 | until December 30 | until Dec 30 | until Nov 30, 2025 | until Nov 30, 2027
until 30 October | until 11/30 | until 30/11 | 30.11.2026 | 11-30-2026 | 2026/11/30 | 2025-11-30 | 2026-30-11 | 20261130
from Nov 30 | starting Nov 30 | after Nov 30 | not until Nov 30 | before Nov 30 | Nov 30 onwards | Nov 25-Nov 30 | Nov 28 - 30
ends tomorrow | ends tonight | until Friday | until midnight | today only | this weekend only | until November | last day
by Christmas | ends Sunday | until Nov 30 at 8pm | November thirtieth | the 30th | in 2 days | 3 left | only one left
code MUG52 | code MUG2 | code MUG250 | code SAVE25 | coupon HALDEN | use code NOV30 | rated 4.8 | 5 stars | 24/7 | 100% wool
1 per customer | limit one per customer | for new customers only | first order only | on orders over $18 | orders of $50 or more
valid in Kent only | minimum spend $18 | spend $24 | $0 | $-18 | −$18 | ½ off | ⅓ off | 25‰ off | two-thirds off | a 25 off
""".replace("\n", " | ").split(" | ")

# True: 到手价 ¥120，原价 ¥150，8折（20 %），省 30 元，活动至11月30日.
WRONG_ZH = """
现价¥121 | 现价¥12 | 现价¥150 | 现价¥150，原价¥120 | 原价¥120 | 立减¥120 | 立减¥150 | 立减20元 | 省¥31 | ¥30
9折 | 7折 | 0.8折 | 80折 | 八十折 | 88折 | 8.8折 | 八八折 | 七折 | 8折起 | 低至8折 | 折上8折 | 再打8折 | 额外8折 | 近8折 | 不是8折
８．８折 | 九折 | 捌折 | 八成 | 两成 | 打二折 | 百分之二十 | 百分之八十 | 20% | 30%优惠 | 最高20%优惠 | 高达20%优惠
一百二十元 | 一百五十元 | 一百二 | 壹佰贰拾元 | 壹佰貳拾圆 | 一二零元 | 〇元购 | 零元 | 半价 | 对折 | 五五折 | 骨折价 | 白菜价
¥120起 | 120元起 | 低至¥120 | 仅限¥120以下 | 不到¥120 | 约¥120 | 近120元 | ¥120左右 | ¥120以上 | ¥100-¥120 | ¥120~150 | 120到150元
￥１２１ | ￥12O | ¥1\u200b21 | ¥120万 | 120万元 | ¥120千 | ¥120/月 | ¥120每月 | ¥120×2 | ¥1,20 | ¥120,00 | ¥120.000 | ¥1 120
119块9 | 99块9 | 120块5 | 120刀 | $120 | US$120 | €120 | HK$120 | NT$120 | 120美元 | 120港币 | 120円 | 120日元 | 12张 | 120毛
运费¥120 | 定金¥120 | 定金30元 | 返¥30 | 送¥30红包 | 30元无门槛 | ¥30券 | 满120减30 | 满200减30 | 满¥120减¥30 | 满120元可用 | 满三百减五十
买二送一 | 买2送1 | 买一送一元 | 第二件半价 | 第二件八折 | 三件装 | 两件套餐价 | 五天 | 三天后 | 十小时 | 仅剩3件 | 双十一 | 双11 | 618大促
①②⓪元 | ㈧折 | Ⅷ折 | 1️⃣2️⃣0️⃣元 | 🔟元 | 💯元 | 𝟭𝟮𝟬元 | ¥¹²⁰ | ½价
活动至11月29日 | 活动至11月3日 | 活动至12月30日 | 活动至2025年11月30日 | 活动至2027年11月30日 | 活动至11.30 | 活动至11/30 | 11-30
2025-11-30 | 20261130 | 11月30日起 | 11月30日前 | 11月30日后 | 11月30日开抢 | 从11月30日 | 十一月三十日 | 十一月底 | 今晚截止 | 明天结束 | 截至周日
仅限今日 | 仅限本周 | 周末截止 | 最后一天 | 月底结束 | 今天24点截止 | 每人限购2件 | 每人限享1次 | 仅限新用户 | 新人专享 | 首单可用
仅限上海使用 | 销量10万+ | 好评99% | 4.9分 | 500毫升 | 320克 | 第1名 | 1折 | 一折 | 一元 | 一块钱 | 一毛钱
优惠码ABC123 | 优惠码：MUG25 | 口令8888 | 券码MUG
""".replace("\n", " | ").split(" | ")

WRONG_ORDER = [
    "$10 off", "$10 off orders of $40 or more", "$50 off orders of $10 or more", "$10 off orders over €50", "now $14",
    "$14 instead of $24", "Limit 2 per customer. $10 off orders of $50 or more", "Valid in Kent only.",
    "Valid in Kent and York only.", "save $10", "spend $10", "two per customer",
]  # fmt: skip
WRONG_MAN = [
    "立减30元", "满200减50", "满30减200", "满100减30", "满200打8折", "现价¥38", "满¥200减$30", "满200立减20元", "满二百减三十", "满200享8折", "每满200减30，上不封顶",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "brief"),
    [
        (text.strip(), brief)
        for texts, brief in ((WRONG_EN, MUG), (WRONG_ZH, BEI), (WRONG_ORDER, ORDER), (WRONG_MAN, MAN))
        for text in texts
        if text.strip()
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


@settings(max_examples=400, deadline=None)
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


@settings(max_examples=200, deadline=None)
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
