"""Terms of an offer, parsed out of a string."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from generators.verification.money_reader import NUMBER, amount_of, money_pattern, plain
from generators.verification.statement import Statement, StatementKind

_Reader = Callable[[re.Match[str]], list[Statement]]
_FULL = re.compile(
    rf"(?P<each>每)?满\s*(?P<least>{NUMBER})\s*(?P<unit>元)?\s*(?P<verb>立减|减|享|可用|包邮|免运费|打)(?:\s*(?P<off>{NUMBER})(?!\s*折))?"
)
_PER_EN = re.compile(
    r"\b(?:limit(?:ed to)?(?: of)? )?(?P<count>[0-9]+|one) per (?:customer|person|household|shopper)\b", re.I
)
_PER_ZH = re.compile(r"每(?:人|位|户|个?用户)仅?限(?:购|用|享|领)?\s*(?P<count>[0-9]+)\s*[次件张份]")
_NEW = re.compile(
    r"\b(?:for )?(?:new (?:customers?|shoppers?|users?|members?)"
    r"|first(?:-time)? (?:orders?|purchases?|customers?|buyers?))(?: only)?\b"
    r"|仅?限?(?:新用户|新客户?|新人|首单)(?:专享|可用)?",
    re.I,
)
_REGION_EN = re.compile(r"\b(?:valid|available|redeemable) (?:only )?in (?P<where>[^.!?;:□▢]+?) only\b", re.I)
_REGION_ZH = re.compile(r"仅限(?!新)(?P<where>[^，。！？；,.!?;□▢\s新]{2,60}?)(?:地区)?(?:使用|可用)")


@cache
def term_readers() -> tuple[tuple[re.Pattern[str], _Reader], ...]:
    """Return (pattern, reader) in the order in which they are tried, before plain amounts are."""
    amount = _unnamed(money_pattern())
    marked = re.compile(rf"\b(?:orders?|purchases?) (?:of |over |from |above )(?:{amount})(?: or (?:more|above|over))?")
    return (
        (_FULL, _full),
        (marked, _order),
        (_PER_EN, _per),
        (_PER_ZH, _per),
        (_NEW, lambda match: [Statement(StatementKind.NEW_CUSTOMERS, "yes", "", match.group())]),
        (_REGION_EN, _region),
        (_REGION_ZH, _region),
    )


def region_key(where: str) -> str:
    """Return the names of regions in one spelling: sorted, without the words that join them."""
    return "|".join(sorted(part.strip().casefold() for part in re.split(r",|、|\band\b|和", where) if part.strip()))


def _full(match: re.Match[str]) -> list[Statement]:
    """Read 满200减30; a bare number is in yuan."""
    found = [Statement(StatementKind.MIN_SPEND, plain(amount_of(match.group("least"))), "元", match.group())]
    if match.group("each"):
        return [Statement(StatementKind.QUALIFIED, match.group(), "", match.group())]
    if match.group("off"):
        kind = StatementKind.SAVING if "减" in match.group("verb") else StatementKind.UNKNOWN
        found.append(Statement(kind, plain(amount_of(match.group("off"))), "元", match.group()))
    return found


def _order(match: re.Match[str]) -> list[Statement]:
    inner = money_pattern().search(match.group())
    if inner is None:
        return [Statement(StatementKind.UNKNOWN, match.group(), "", match.group())]
    number = inner.group("first") or inner.group("second")
    unit = inner.group("before") or inner.group("after")
    return [Statement(StatementKind.MIN_SPEND, plain(amount_of(number)), unit, match.group())]


def _per(match: re.Match[str]) -> list[Statement]:
    count = match.group("count").lower()
    return [Statement(StatementKind.PER_CUSTOMER, "1" if count == "one" else str(int(count)), "", match.group())]


def _region(match: re.Match[str]) -> list[Statement]:
    return [Statement(StatementKind.REGIONS, region_key(match.group("where")), "", match.group())]


def _unnamed(pattern: re.Pattern[str]) -> str:
    return re.sub(r"\?P<\w+>", "?:", pattern.pattern)
