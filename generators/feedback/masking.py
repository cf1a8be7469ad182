"""Take what names a person out of a comment before anybody else sees it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MASKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("[link]", re.compile(r"(?:https?://|www\.)[^\s，。！？]+", re.IGNORECASE)),
    ("[e-mail]", re.compile(r"[\w.+-]+\s?@\s?[\w-]+(?:\.[\w-]+)+", re.ASCII)),
    ("[handle]", re.compile(r"(?<![\w.])@[\w.-]{2,}")),
    (
        "[id]",
        re.compile(
            r"(?:(?:微信|QQ|WeChat|VX|V信|wx)(?:号|号码|id)?(?:是|:|：|\s)*)[A-Za-z0-9][\w-]{4,}", re.IGNORECASE
        ),
    ),
    ("[id]", re.compile(r"(?<![0-9A-Za-z])\d{6}(?:19|20)\d{9}[0-9Xx](?![0-9A-Za-z])")),
    (
        "[id]",
        re.compile(r"(?<![\w-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\w-])", re.IGNORECASE),
    ),
    (
        "[id]",
        re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z0-9-]*\d)(?=[A-Za-z0-9-]*[A-Za-z])[A-Za-z0-9-]{9,}(?![A-Za-z0-9])"),
    ),
    ("[number]", re.compile(r"(?<![\w.,])\+?\(?\d(?:[\s().\-/]{0,2}\d){6,}(?![\w])")),
    ("[number]", re.compile(r"(?<![A-Za-z0-9.,])\d{6,}(?![A-Za-z0-9])")),
)


def masked(text: str, names: Iterable[str] = ()) -> str:
    """Replace links, e-mail addresses, handles, phone and card numbers, identity and order numbers.

    Numbers of six digits and more go, prices and sizes stay. Names written out as words are not known to it, so what
    comes out is less personal, not anonymous.

    Args:
        text: The comment.
        names: Further words to take out, such as the writer's id.

    >>> masked("Call me on +44 20 7946 0958, the 24 cm pan was $19.99")
    'Call me on [number], the 24 cm pan was $19.99'
    """
    for name in names:
        if len(name) > 2:
            text = text.replace(name, "[id]")
    for mask, pattern in _MASKS:
        text = pattern.sub(mask, text)
    return text
