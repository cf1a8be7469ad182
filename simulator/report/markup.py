"""Small pieces of HTML that every section uses."""

from __future__ import annotations

import re
from html import escape

from simulator.report.colours import MARKS

__all__ = ["breakable", "verdict_badge"]

#: Separators inside a name; numbers such as -0.12 have none.
_SEAMS = re.compile(r"(?<=\w)([/:_.\-]+)(?=[^\W\d]|\d{4})")


def breakable(name: str) -> str:
    """Escape a text and let lines break after the separators of names in it, before they have to inside a word.

    >>> breakable("a/<b>"), breakable("copy-7/sms: -0.12"), breakable("models/0028")
    ('a/&lt;b&gt;', 'copy-7/<wbr>sms: -0.12', 'models/<wbr>0028')
    """
    return _SEAMS.sub(r"\1<wbr>", escape(name))


def verdict_badge(verdict: str) -> str:
    """Write a verdict with its colour and sign."""
    return f'<span class="verdict {verdict}">{MARKS[verdict]} {verdict}</span>'
