"""Feeds: columns are mapped, offers derived, and errors name file, line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import InvalidInput
from generators.feed import Feed, FeedColumns
from generators.offer import OfferKind


def feed(tmp_path: Path, text: str, **columns: str) -> Feed:
    path = tmp_path / "feed.csv"
    path.write_text(text, encoding="utf-8")
    return Feed(path, FeedColumns(**columns))


def test_a_list_price_above_the_price_is_a_markdown_rounded_down(tmp_path: Path) -> None:
    rows = 'name,sale,market\n"Mug, blue","1,024.50","1,536.80"\nBowl,20,20\nCup,20,18\nJar,199,200\n'
    found = feed(tmp_path, rows, title="name", price="sale", list_price="market").briefs()
    assert [(b.offer.kind, b.percent) for b in found] == [
        (OfferKind.MARKDOWN, 33),
        (OfferKind.NONE, 0),
        (OfferKind.NONE, 0),
        (OfferKind.NONE, 0),
    ]
    assert found[0].product.price_minor == 102450
    assert [b.id for b in found] == ["row-2", "row-3", "row-4", "row-5"]


def test_a_product_on_many_rows_is_read_once_and_samples_spread(tmp_path: Path) -> None:
    rows = "id,title,price\n" + "".join(f"p{i // 2},Mug {i // 2},5\n" for i in range(12))
    assert [b.id for b in feed(tmp_path, rows).briefs(limit=2, every=3)] == ["p0", "p3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title\nMug\n", r"feed\.csv:1: price"),
        ("title,price\nMug,abc\n", r"feed\.csv:2: price"),
        ("title,price\nMug,1\nMug,-1\n", r"feed\.csv:3: price"),
        ("title,price,percent,offer\nMug,9,x,percent\n", r"feed\.csv:2: percent"),
        ("title,price,offer\nMug,9,gift\n", r"feed\.csv:2: offer"),
        ("title,price\n", "at least one product"),
    ],
)
def test_errors_name_file_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        feed(tmp_path, text).briefs()


def test_a_mapped_column_that_is_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="maker"):
        feed(tmp_path, "title,price\nMug,9\n", brand="maker").briefs()


def test_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "zh.csv"
    path.write_bytes("title,price\n陶杯,9\n".encode("gb18030"))
    with pytest.raises(InvalidInput, match="--encoding"):
        Feed(path).briefs()
    assert Feed(path, encoding="gb18030", language="zh", currency="CNY").briefs()[0].product.title == "陶杯"
