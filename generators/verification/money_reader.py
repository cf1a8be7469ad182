"""Amounts of money and percentages, parsed out of a string."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache

from generators.data import load_toml
from generators.verification.figure_context import cued
from generators.verification.plain_text import normalised
from generators.verification.statement import Statement, StatementKind

# Western or Indian groups and at most two decimals; "1.200", "1,5" and "1 200" are no such number and stay unread.
NUMBER = (
    r"(?<![0-9.,])(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}|[0-9]+)"
    r"(?:\.[0-9]{1,2})?(?![0-9]|[.,'’ ][0-9])"
)
PERCENT = re.compile(rf"(?P<number>{NUMBER})\s*(?:%|percent\b|per cent\b)", re.IGNORECASE)
FOLD = re.compile(
    r"(?P<number>(?<![0-9.,])[0-9]+(?:\.[0-9]+)?|(?<![零一二两三四五六七八九十百千万])[一二三四五六七八九](?:点?[一二三四五六七八九])?)\s*折"
)
_HAN_DIGITS = {character: str(value) for value, character in enumerate("零一二三四五六七八九")} | {"点": "."}


@cache
def money_pattern() -> re.Pattern[str]:
    """Return the pattern of an amount with a mark of any currency of `data/money.toml` before or after it."""
    marks = sorted({normalised(s) for row in load_toml("money.toml").values() for s in row["symbols"]}, key=len)
    either = "|".join(re.escape(mark) for mark in reversed(marks))
    return re.compile(
        rf"(?<![A-Za-z])(?P<before>{either})\.?\s?(?P<first>{NUMBER})(?![A-Za-z])(?:\s?(?P<also>{either})(?![A-Za-z]))?"
        rf"|(?P<block>{NUMBER})块(?P<dime>[0-9])(?![0-9])"
        rf"|(?P<second>{NUMBER})\s?(?P<after>{either})(?![A-Za-z])"
    )


def read_money(match: re.Match[str]) -> list[Statement]:
    """Read an amount and, where it carries two marks, one statement for each."""
    kind = _money_kind(match)
    if match.group("block"):
        value = plain(amount_of(match.group("block")) + Decimal(match.group("dime")) / 10)
        return [Statement(kind, value, "块", match.group())]
    number = match.group("first") or match.group("second")
    units = [mark for mark in (match.group("before"), match.group("also"), match.group("after")) if mark]
    return [Statement(kind, plain(amount_of(number)), unit, match.group()) for unit in units]


def read_percent(match: re.Match[str]) -> list[Statement]:
    """Read a percentage; only one that is taken off is a fact that a brief can have."""
    kind = StatementKind.UNKNOWN
    if cued("percent", "discount_before", match) or cued("percent", "discount_after", match):
        kind = StatementKind.PERCENT
    if _is_qualified("percent", match):
        kind = StatementKind.QUALIFIED
    return [Statement(kind, plain(amount_of(match.group("number"))), "", match.group())]


def read_fold(match: re.Match[str]) -> list[Statement]:
    """Read 8折, 8.5折, 85折, 八折 or 八五折: the share that is still paid. 80折 is nobody's way to write 8折."""
    written = "".join(_HAN_DIGITS.get(c, c) for c in match.group("number"))
    fold = Decimal(written)
    share = fold * 10 if fold < 10 else fold
    kind = StatementKind.QUALIFIED if _is_qualified("percent", match) else StatementKind.PERCENT
    if not 1 <= share < 100 or (fold >= 10 and (fold % 10 == 0 or fold != int(fold))):
        kind = StatementKind.UNKNOWN
    return [Statement(kind, plain(100 - share), "", match.group())]


def amount_of(number: str) -> Decimal:
    """Return the value of a grouped number."""
    return Decimal(number.replace(",", ""))


def plain(value: Decimal) -> str:
    """Write a value without grouping, exponent or trailing zeros."""
    return format(value.normalize(), "f")


def _money_kind(match: re.Match[str]) -> StatementKind:
    if cued("money", "other_before", match) or cued("money", "other_after", match):
        return StatementKind.UNKNOWN
    if cued("money", "reference_before", match) or cued("money", "reference_after", match):
        return StatementKind.QUALIFIED if cued("money", "qualified_after", match) else StatementKind.REFERENCE
    if cued("money", "min_spend_before", match):
        return StatementKind.MIN_SPEND
    if _is_qualified("money", match):
        return StatementKind.QUALIFIED
    if cued("money", "saving_before", match) or cued("money", "saving_after", match):
        return StatementKind.SAVING
    return StatementKind.PAYABLE


def _is_qualified(table: str, match: re.Match[str]) -> bool:
    return cued(table, "qualified_before", match) or cued(table, "qualified_after", match)
