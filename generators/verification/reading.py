"""Statements of fact, parsed back from finished copy without looking at how it was made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from generators.verification.date_reader import DATES, read_date, relative_days
from generators.verification.money_reader import FOLD, PERCENT, money_pattern, read_fold, read_money, read_percent
from generators.verification.numerals import HAN_SPELLED, SPELLED
from generators.verification.plain_text import is_figure, normalised
from generators.verification.statement import Statement, StatementKind
from generators.verification.term_reader import term_readers

_Reader = Callable[[re.Match[str]], list[Statement]]
# What stands in place of a statement, and of the product's own words.
STATED, NAMED = "\u25a1", "\u25a2"
_CODE = re.compile(r"(?i:\bcode|\bcoupon|\bvoucher|优惠码|券码|口令)\s*[::]?\s*(?=[A-Z0-9]*[A-Z0-9])[A-Z0-9]{3,}")


def statements(text: str, *, code: str, facts: Iterable[str]) -> list[Statement]:
    """Parse every figure and term out of one string.

    Args:
        text: The finished string.
        code: The brief's code, or empty.
        facts: Strings that may stand verbatim (the product's name and brand); their digits state nothing else.
    """
    return read(text, code=code, facts=facts)[0]


def read(text: str, *, code: str, facts: Iterable[str]) -> tuple[list[Statement], str]:
    """Return the statements of a string, and what is left of it with `STATED` in the place of each."""
    rest = _hide_verbatim(normalised(text), facts)
    found: list[Statement] = []
    if code:
        rest = _take(rest, re.compile(rf"(?<![A-Za-z0-9]){re.escape(code)}(?![A-Za-z0-9])"), found, _code)
    for pattern in DATES:
        rest = _take(rest, pattern, found, read_date)
    rest = _take(rest, relative_days(), found, _unknown)
    for pattern, reader in term_readers():
        rest = _take(rest, pattern, found, reader)
    rest = _take(rest, FOLD, found, read_fold)
    rest = _take(rest, PERCENT, found, read_percent)
    rest = _take(rest, money_pattern(), found, read_money)
    rest = _take(rest, SPELLED, found, _unknown)
    rest = _take(rest, HAN_SPELLED, found, _unknown)
    rest = _take(rest, _CODE, found, _unknown)
    leftover = re.compile("|".join(re.escape(c) for c in sorted({c for c in rest if is_figure(c)})) or r"(?!)")
    return found, _take(rest, leftover, found, _unknown)


def states_figure(text: str) -> bool:
    """Say whether a reader could take something in the string for a figure."""
    return any(map(is_figure, text)) or bool(SPELLED.search(text) or HAN_SPELLED.search(text))


def _hide_verbatim(text: str, facts: Iterable[str]) -> str:
    """Blank the product's own words, unless a figure or sign touches them and would change its meaning."""
    # A name without a figure needs no blanking, and blanking it could take a cue such as "was" with it.
    figured = {f for fact in facts if states_figure(f := normalised(fact))}
    for fact in sorted(figured, key=len, reverse=True):
        text = re.sub(_left_edge(fact[0]) + re.escape(fact) + _right_edge(fact[-1]), NAMED, text, flags=re.IGNORECASE)
    return text


def _left_edge(first: str) -> str:
    if is_figure(first):
        return r"(?<![0-9$€£₹¥₩])(?<![0-9][.,])(?<![$€£₹¥₩] )"
    return r"(?<![A-Za-z])" if first.isascii() else ""


def _right_edge(last: str) -> str:
    if is_figure(last):
        return r"(?!\s*[%折元円块]|\s*off\b|[0-9A-Za-z]|[.,][0-9])"
    return r"(?![A-Za-z])" if last.isascii() else ""


def _take(text: str, pattern: re.Pattern[str], found: list[Statement], read: _Reader) -> str:
    """Add what each match states and blank it, so that its digits are read once."""
    for match in pattern.finditer(text):
        found.extend(read(match))
    return pattern.sub(_blank, text)


def _blank(match: re.Match[str]) -> str:
    """Return what stands for a statement; the stop of "30 Nov." before a capital ends the sentence, too."""
    ends = match.group().endswith(".") and re.match(r"\s*(?:$|[A-Z])", match.string[match.end() :])
    return STATED + "." if ends else STATED


def _code(match: re.Match[str]) -> list[Statement]:
    return [Statement(StatementKind.CODE, match.group(), "", match.group())]


def _unknown(match: re.Match[str]) -> list[Statement]:
    return [Statement(StatementKind.UNKNOWN, match.group(), "", match.group())]
