"""Text as a reader hears it: evasions of a word list undone."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from generators.verification.plain_text import normalised

# Letters of other alphabets that look like Latin ones. Source: Unicode Technical Standard #39, confusables.
_LOOKALIKES = str.maketrans(
    "аАвВеЕкКмМнНоОрРсСтТуУхХіІјЈѕЅԁһӏԛԝαΑβΒεΕιΙκΚνΝοΟρΡτΤυΥχΧζΖηΗμΜɡıⅼ",
    "aAbBeEkKmMhHoOpPcCtTyYxXiIjJsSdhlqwaAbBeEiIkKvNoOpPtTuYxXzZnHuMgil",
)
# Characters written for 最 and 第 by those who know the list.
_HAN_EVASIONS = str.maketrans("朂蕞嘬樶苐弟壹囯", "最最最最第第一国")
_HAN = "\u3400-\u9fff"
_BETWEEN_HAN = re.compile(rf"(?<=[{_HAN}])[\s·•・∙.\-_*~'’`+=#@^]+(?=[{_HAN}])")
_SPACED = re.compile(r"(?<![A-Za-z])(?:[A-Za-z][\s.\-_*·•]+){3,}[A-Za-z](?![A-Za-z])")
_TRADITIONAL = re.compile(f"[{_HAN}]")


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Return the text in lower case, simplified, with look-alike letters replaced and spaced-out words joined.

    >>> folded("全網 最 佳, the b.e.s.t РRIСЕ")
    '全网最佳, the best price'
    """
    plain = normalised(text).translate(_LOOKALIKES)
    if _TRADITIONAL.search(plain):
        plain = str(_simplifier().convert(plain)).translate(_HAN_EVASIONS)
        plain = _BETWEEN_HAN.sub("", plain)
    return _SPACED.sub(lambda match: re.sub(r"[^A-Za-z]", "", match.group()), plain).casefold()


@cache
def _simplifier() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")
