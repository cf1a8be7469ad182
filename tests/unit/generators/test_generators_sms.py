"""Segments by hand, at the edges of both alphabets."""

from __future__ import annotations

import pytest

from generators.sms import SmsSize


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "gsm7", 0, 1),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        ("a" * 152 + "€" + "a" * 152, "gsm7", 306, 3),
        ("满" * 70, "ucs2", 70, 1),
        ("满" * 71, "ucs2", 71, 2),
        ("满" * 134, "ucs2", 134, 2),
        ("满" * 135, "ucs2", 135, 3),
        ("\N{FIRE}" * 35, "ucs2", 70, 1),
        ("a" * 159 + "₹", "ucs2", 160, 3),
    ],
)
def test_segments(text: str, encoding: str, units: int, segments: int) -> None:
    assert SmsSize.of(text) == SmsSize(encoding, units, segments)
