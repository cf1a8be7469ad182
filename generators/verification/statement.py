"""Statements of fact, parsed back from finished copy without looking at how it was made."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from generators.data import load_toml


class StatementKind(StrEnum):
    """What a statement is about."""

    PAYABLE = "price to pay"
    REFERENCE = "reference price"
    SAVING = "amount off"
    PERCENT = "percent off"
    CODE = "code"
    DATE = "date"
    UNKNOWN = "number"


@dataclass(frozen=True, slots=True)
class Statement:
    """One figure that a reader would take as a fact.

    Attributes:
        kind: What it is about.
        value: Decimal digits for money (whole units) and percent, `MM-DD` or `YYYY-MM-DD` for dates, else the text.
        unit: The currency mark as written, for money.
        text: As it stands.
    """

    kind: StatementKind
    value: str
    unit: str
    text: str


_Reader = Callable[[re.Match[str]], Statement]

_HIDDEN = "\u25a1"
_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_ZH_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2}
_MONTHS = {
    name: i + 1
    for i, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
}
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATES = (
    re.compile(rf"\b{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<year>\d{{4}})\b)?", re.I),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+{_MONTH}(?!\w)(?:,?\s+(?P<year>\d{{4}})\b)?", re.I),
    re.compile(r"(?:(?P<year>\d{4})年)?(?P<month>\d{1,2})月(?P<day>\d{1,2})[日号]"),
)
_PERCENT = re.compile(rf"(?P<number>{_NUMBER})\s*(?:%|percent\b|per cent\b)", re.I)
_FOLD = re.compile(r"(?P<number>\d+(?:\.\d+)?|[一二三四五六七八九]{1,2})\s*折")
_REFERENCE_CUE = re.compile(r"(?:\bwas|\binstead of|\bregular(?: price)?|\blist price|原价|划线价|日常价)\s*$", re.I)
_SAVING_CUE = re.compile(r"(?:\bsave|\bsaving|立减|直降|立省|省)\s*$", re.I)
_OFF = re.compile(r"\s*off\b", re.I)
_SPELLED = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|"
    r"eighty|ninety|hundred|thousand|half)\b(?=[\s-]+(?:percent|per cent|dollars?|pounds?|euros?|rupees?|yuan|cents|"
    r"off|price|days?|hours?|weeks?|items?|times|left|hundred|thousand)\b)"
    r"|[零一二两三四五六七八九十百千万半]+(?=\s*(?:元|块|折|倍|成|价|%))"
    r"|[二两三四五六七八九十百千万]+(?=\s*(?:天|小时|件))",
    re.I,
)


def statements(text: str, *, code: str, facts: Iterable[str]) -> list[Statement]:
    """Parse every figure out of one string.

    Args:
        text: The finished string.
        code: The brief's code, or empty.
        facts: Strings that may stand verbatim (the product's name and brand); their digits state nothing else.
    """
    rest = _hide_verbatim(normalised(text), facts)
    found: list[Statement] = []
    if code:
        rest = _take(rest, re.compile(rf"(?<![A-Za-z0-9]){re.escape(code)}(?![A-Za-z0-9])"), found, _code)
    for pattern in _DATES:
        rest = _take(rest, pattern, found, _date)
    rest = _take(rest, _FOLD, found, _fold)
    rest = _take(rest, _PERCENT, found, _percent)
    rest = _take(rest, _money_pattern(), found, _money)
    rest = _take(rest, _SPELLED, found, _unknown)
    rest = _take(rest, re.compile(r"(?i:\bcode|\bcoupon|优惠码|券码|口令)\s*[::]?\s*[A-Z0-9]{3,}"), found, _unknown)
    leftover = re.compile("|".join(re.escape(c) for c in sorted({c for c in rest if _is_figure(c)})) or r"(?!)")
    _take(rest, leftover, found, _unknown)
    return found


def normalised(text: str) -> str:
    """Fold full-width digits, signs and spaces, so that no figure hides behind its form."""
    # A Chinese comma parts clauses; as a bare ASCII comma it would join two figures into one.
    return unicodedata.normalize("NFKC", text.replace("，", ", "))


def _is_figure(character: str) -> bool:
    return unicodedata.category(character) in ("Nd", "Nl", "No") or character == "%"


def _hide_verbatim(text: str, facts: Iterable[str]) -> str:
    """Blank the product's own words, unless a figure or sign touches them and would change its meaning."""
    # A name without a figure needs no blanking, and blanking it could take a cue such as "was" with it.
    figured = {f for fact in facts if any(map(_is_figure, f := normalised(fact))) or _SPELLED.search(f)}
    for fact in sorted(figured, key=len, reverse=True):
        before = r"(?<![\d$€£₹¥])(?<!\d[.,])" if fact[0].isnumeric() else r"(?<![A-Za-z])" if fact[0].isascii() else ""
        after = (
            r"(?!\s*[%折元円块]|\d|[.,]\d)" if fact[-1].isnumeric() else r"(?![A-Za-z])" if fact[-1].isascii() else ""
        )
        pattern = before + re.escape(fact) + after
        text = re.sub(pattern, _HIDDEN, text, flags=re.IGNORECASE)
    return text


def _take(text: str, pattern: re.Pattern[str], found: list[Statement], read: _Reader) -> str:
    """Add a statement for every match and blank it, so that its digits are read once."""
    found.extend(read(match) for match in pattern.finditer(text))
    return pattern.sub(_HIDDEN, text)


def _code(match: re.Match[str]) -> Statement:
    return Statement(StatementKind.CODE, match.group(), "", match.group())


def _date(match: re.Match[str]) -> Statement:
    named = match.groupdict()
    month = int(named["month"]) if named.get("month") else _MONTHS[match.group(_month_group(match)).lower()]
    value = f"{month:02d}-{int(named['day']):02d}"
    return Statement(StatementKind.DATE, f"{named['year']}-{value}" if named["year"] else value, "", match.group())


def _month_group(match: re.Match[str]) -> int:
    return next(i for i, value in enumerate(match.groups(), 1) if value and value.lower() in _MONTHS)


def _fold(match: re.Match[str]) -> Statement:
    """Read 8折, 8.5折, 85折, 八折 or 八五折: the share that is still paid."""
    digits = "".join(str(_ZH_DIGITS.get(c, c)) for c in match.group("number"))
    fold = Decimal(digits)
    share = fold * 10 if fold < 10 else fold
    return Statement(StatementKind.PERCENT, _plain(100 - share), "", match.group())


def _percent(match: re.Match[str]) -> Statement:
    before, after = match.string[: match.start()], match.string[match.end() :]
    is_discount = _OFF.match(after) or _SAVING_CUE.search(before)
    kind = StatementKind.PERCENT if is_discount else StatementKind.UNKNOWN
    return Statement(kind, _plain(_decimal(match.group("number"))), "", match.group())


def _money(match: re.Match[str]) -> Statement:
    before, after = match.string[: match.start()], match.string[match.end() :]
    kind = StatementKind.PAYABLE
    if _OFF.match(after) or _SAVING_CUE.search(before):
        kind = StatementKind.SAVING
    elif _REFERENCE_CUE.search(before):
        kind = StatementKind.REFERENCE
    unit = match.group("before") or match.group("after")
    number = match.group("first") or match.group("second")
    return Statement(kind, _plain(_decimal(number)), unit, match.group())


def _unknown(match: re.Match[str]) -> Statement:
    return Statement(StatementKind.UNKNOWN, match.group(), "", match.group())


def _money_pattern() -> re.Pattern[str]:
    marks = {normalised(s) for row in load_toml("money.toml").values() for s in row["symbols"]}
    either = "|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True))
    return re.compile(
        rf"(?P<before>{either})\.?\s*(?P<first>{_NUMBER})|(?P<second>{_NUMBER})\s*(?P<after>{either})(?![A-Za-z])"
    )


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")
