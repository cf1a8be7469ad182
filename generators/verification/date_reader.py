"""Days, parsed out of a string."""

from __future__ import annotations

import re
from functools import cache

from generators.data import load_toml
from generators.verification.figure_context import cued
from generators.verification.statement import Statement, StatementKind

_NAMES = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?\.?"
)
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,?\s+(?P<year>[0-9]{4})\b)?"
DATES = (
    re.compile(r"(?<![0-9-])(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})(?![0-9-])"),
    re.compile(rf"\b{_MONTH}\s+{_DAY}\b(?![.,]?[0-9/:%-]){_YEAR}", re.IGNORECASE),
    re.compile(rf"(?<![0-9/.,:-])\b{_DAY}\s+{_MONTH}(?!\w){_YEAR}", re.IGNORECASE),
    re.compile(r"(?:(?P<year>[0-9]{4})年)?(?<![0-9])(?P<month>[0-9]{1,2})月(?P<day>[0-9]{1,2})[日号]"),
)


def read_date(match: re.Match[str]) -> list[Statement]:
    """Read a day of the month, with its year where one stands; a start is not an end."""
    named = match.groupdict()
    month = int(named["month"]) if named.get("month") else _NAMES.index(named["name"].lower()) + 1
    value = f"{month:02d}-{int(named['day']):02d}"
    kind = StatementKind.DATE
    if cued("date", "qualified_before", match) or cued("date", "qualified_after", match):
        kind = StatementKind.QUALIFIED
    return [Statement(kind, f"{named['year']}-{value}" if named["year"] else value, "", match.group())]


@cache
def relative_days() -> re.Pattern[str]:
    """Return the pattern of an end that is no date: "ends tomorrow", "今晚截止"."""
    patterns = load_toml("cues.toml")["relative"]["patterns"]
    return re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE)
