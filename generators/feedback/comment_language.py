"""Which language a comment is written in."""

from __future__ import annotations

import re

_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+")

LANGUAGES = ("en", "zh")


def comment_language(text: str) -> str:
    """Return `zh` where Chinese characters outnumber Latin words, else `en`; emoji alone read the same in both.

    >>> comment_language("ok，质量很好"), comment_language("very 好 quality indeed")
    ('zh', 'en')
    """
    return "zh" if len(_HAN.findall(text)) > len(_LATIN_WORD.findall(text)) else "en"
