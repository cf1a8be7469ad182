"""Typing of rows, and the reason for each that is unusable."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from engine.core.errors import InvalidInput
from engine.profiles import EventColumns, EventType
from engine.profiles.event_fields import REASONS, checked_zone, typed
from engine.profiles.event_type import parsed_words

NOW = datetime(2026, 6, 1, tzinfo=UTC)
COLUMNS = EventColumns(quantity="quantity", value="value", query="query")
GOOD = {
    "user": "anna",
    "item": "tea",
    "type": "purchase",
    "at": "2026-01-02 03:04:05",
    "quantity": "2",
    "value": "3.50",
    "query": "",
}
NAMES = tuple(GOOD)


def one(columns: EventColumns = COLUMNS, **changed: str | None) -> tuple[dict[str, object] | None, str | None]:
    """The typed row, and the reason if it is unusable."""
    frame = pl.DataFrame([{**GOOD, **changed}], schema=dict.fromkeys(NAMES, pl.String))
    found = typed(frame, columns, NAMES, NOW)
    return (found.rows.row(0, named=True) if found.rows.height else None), found.faults[0]


def test_a_good_row_is_typed() -> None:
    row, reason = one()
    assert reason is None
    assert row == {
        "user": "anna",
        "item": "tea",
        "type": "purchase",
        "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "quantity": 2.0,
        "value": 3.5,
        "query": None,
    }


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"user": " "}, "no user"),
        ({"user": None}, "no user"),
        ({"user": "u" * 257}, "user id too long"),
        ({"type": "teleport"}, "unknown type"),
        ({"item": ""}, "no item"),
        ({"item": "i" * 257}, "item id too long"),
        ({"type": "search"}, "no query"),
        ({"at": ""}, "no time"),
        ({"at": "yesterday"}, "unreadable time"),
        ({"at": "2026-02-30 00:00:00"}, "unreadable time"),
        ({"at": "2026-06-03 00:00:00"}, "impossible time"),
        ({"at": "1970-01-01 00:00:00"}, "impossible time"),
        ({"quantity": "0"}, "impossible quantity"),
        ({"quantity": "-1"}, "impossible quantity"),
        ({"quantity": "many"}, "impossible quantity"),
        ({"quantity": "nan"}, "impossible quantity"),
        ({"value": "-0.01"}, "impossible value"),
        ({"value": "inf"}, "impossible value"),
        ({"value": "nan"}, "impossible value"),
    ],
)
def test_each_fault_has_its_reason(changed: dict[str, str | None], reason: str) -> None:
    assert one(**changed) == (None, reason)
    assert reason in REASONS


def test_the_first_fault_is_the_one_that_is_said() -> None:
    assert one(user="", at="", value="-1")[1] == "no user"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.250+08:00", datetime(2026, 1, 1, 19, 4, 5, 250_000, tzinfo=UTC)),
        ("2026-01-02 03:04", datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        ("2026/01/02", datetime(2026, 1, 2, tzinfo=UTC)),
        ("20260102", datetime(2026, 1, 2, tzinfo=UTC)),
        ("1767323045", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("1767323045000", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("1767323045000000", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_shops_write_them(text: str, at: datetime) -> None:
    row, reason = one(at=text)
    assert reason is None
    assert row is not None
    assert row["at"] == at


def test_a_time_without_a_zone_is_of_the_zone_that_is_stated() -> None:
    row, _ = one(EventColumns(time_zone="Asia/Shanghai"), at="2026-01-02 08:00:00")
    assert row is not None
    assert row["at"] == datetime(2026, 1, 2, tzinfo=UTC)
    # The hour that summer time leaves out was never.
    assert one(EventColumns(time_zone="Europe/Berlin"), at="2026-03-29 02:30:00")[1] == "unreadable time"


def test_a_search_has_text_and_no_item() -> None:
    row, reason = one(type="search", item="", query=" 绿茶 ")
    assert reason is None
    assert row is not None
    assert (row["item"], row["query"]) == (None, "绿茶")


def test_what_is_missing_has_a_default_or_is_null() -> None:
    row, reason = one(quantity="", value=None)
    assert reason is None
    assert row is not None
    assert (row["quantity"], row["value"]) == (1.0, None)


def test_words_of_the_shop_are_known_types() -> None:
    columns = EventColumns(words=parsed_words(["gemerkt=cart"]))
    assert [one(columns, type=word)[0]["type"] for word in ("Gemerkt", "pv", "ADD_TO_CART", "buy")] == [  # type: ignore[index]
        "cart",
        "view",
        "cart",
        "purchase",
    ]
    with pytest.raises(InvalidInput, match=r"--word: expected WORD=TYPE.*'x=y'"):
        parsed_words(["x=y"])


def test_all_rows_may_be_of_one_type() -> None:
    frame = pl.DataFrame({"user": ["a"], "item": ["b"], "at": ["2026-01-02"]})
    columns = EventColumns(type="purchase")
    assert columns.given(["user", "item", "at"]) == {"user": "user", "item": "item", "at": "at"}
    assert typed(frame, columns, ["user", "item", "at"], NOW).rows["type"].to_list() == [EventType.PURCHASE]
    # A column of that name is a column.
    assert EventColumns(type="purchase").constant_type(["purchase"]) is None


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"--time-zone: expected an IANA time zone.*Mars"):
        checked_zone("Mars/Olympus")
