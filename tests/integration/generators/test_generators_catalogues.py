"""Copy for real catalogues: true copy passes with all the digits of its titles, one wrong digit fails."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.data import load_toml
from generators.feed import Feed, FeedColumns
from generators.hooks import TemplateHooks
from generators.product_names import ProductNames
from generators.studio import Studio
from generators.verification import FactCheck
from generators.written import Written

DATA = Path(os.environ.get("ARMSREACH_DATA") or Path(__file__).resolve().parents[4] / "shared" / "data")
FEEDS: dict[str, Callable[[], Feed]] = {
    "en": lambda: Feed(
        DATA / "bigbasket" / "BigBasket_Products.csv.gz",
        FeedColumns(title="product", price="sale_price", list_price="market_price", id="index"),
        currency="INR",
    ),
    "zh": lambda: Feed(
        DATA / "taobao_beauty" / "double11_taobao_beauty_gbk.csv.gz",
        FeedColumns(brand="店名"),
        language="zh",
        currency="CNY",
        encoding="gb18030",
    ),
}
pytestmark = pytest.mark.skipif(not (DATA / "bigbasket").is_dir(), reason="the catalogues are not under ARMSREACH_DATA")


@pytest.fixture(scope="module", params=["en", "zh"])
def briefs(request: pytest.FixtureRequest) -> list[Brief]:
    every = {"en": 131, "zh": 17}[request.param]
    return FEEDS[request.param]().briefs(200, every)


@pytest.fixture(scope="module")
def written(briefs: list[Brief]) -> list[Written]:
    return Studio(TemplateHooks()).write(briefs, 3)


def test_every_variant_of_200_briefs_is_written_and_none_twice(briefs: list[Brief], written: list[Written]) -> None:
    assert len(written) == 3 * len(briefs) == 600
    texts = Counter("\x00".join(text for _, _, text in item.draft.strings()) for item in written)
    assert max(texts.values()) == 1
    generic = load_toml(f"copy_{briefs[0].language}.toml")["generic_name"]
    assert sum(generic in item.draft.channels["email"]["body"] for item in written) <= 0.05 * len(written)
    hooks = Counter(item.draft.hook for item in written)
    assert max(hooks.values()) <= 12


def test_titles_with_digits_raise_no_alarm(briefs: list[Brief]) -> None:
    figured = 0
    for brief in briefs:
        names = ProductNames.of(brief)
        for name in (*names.all, names.title):
            figured += any(c.isdigit() for c in name)
            frame = "{}，到手价{}。" if brief.language == "zh" else "{}: yours for {}."
            price = brief.currency.written(brief.product.price_minor, brief.language)
            assert FactCheck().reasons(frame.format(name, price), brief, FieldLimit()) == [], name
    assert figured >= 50


def test_one_wrong_digit_is_found_in_every_string_that_states_a_price(written: list[Written]) -> None:
    tried = 0
    for item in written[::5]:
        brief = item.request.brief
        other = replace(brief.product, price_minor=brief.product.price_minor + 100, list_price_minor=0)
        wrong = replace(brief, product=other, offer=type(brief.offer)())
        for _, _, text in item.draft.strings():
            price = brief.currency.written(brief.product.price_minor, brief.language)
            if price in text:
                tried += 1
                assert FactCheck().reasons(text, wrong, FieldLimit()), text
    assert tried >= 200
