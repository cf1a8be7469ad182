"""How many SMS segments a text takes."""

from __future__ import annotations

from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")


@dataclass(frozen=True, slots=True)
class SmsSize:
    """Size of a text as an SMS.

    Attributes:
        encoding: `gsm7`, or `ucs2` as soon as one character lies outside the GSM alphabet.
        units: Septets (an extended character takes two) or UTF-16 units.
        segments: Parts that are sent, and paid for.

    >>> SmsSize.of("a" * 160)
    SmsSize(encoding='gsm7', units=160, segments=1)
    >>> SmsSize.of("a" * 159 + "€").segments
    2
    >>> SmsSize.of("满" * 71).segments
    2

    Source: 3GPP TS 23.038 section 6.2.1 (alphabet and escape table), TS 23.040 section 9.2.3.24 (concatenation).
    """

    encoding: str
    units: int
    segments: int

    @classmethod
    def of(cls, text: str) -> SmsSize:
        """Measure a text; no character, and no pair that stands for one, is split over two parts."""
        if all(character in _BASIC or character in _EXTENDED for character in text):
            widths = [2 if character in _EXTENDED else 1 for character in text]
            return cls("gsm7", sum(widths), _parts(widths, alone=160, part=153))
        widths = [2 if ord(character) > 0xFFFF else 1 for character in text]
        return cls("ucs2", sum(widths), _parts(widths, alone=70, part=67))


def _parts(widths: list[int], *, alone: int, part: int) -> int:
    if sum(widths) <= alone:
        return 1
    parts, used = 1, 0
    for width in widths:
        if used + width > part:
            parts, used = parts + 1, 0
        used += width
    return parts
