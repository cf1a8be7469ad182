"""Segments by a second library, on strings of every kind of sign."""

from __future__ import annotations

import smsutil
from hypothesis import example, given, settings
from hypothesis import strategies as st

from generators.sms import SmsSize

SIGNS = "aZ09 @£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà^{}\\[~]|€满折，。₹é🎁👍"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(SIGNS), min_size=1, max_size=330).map("".join))
@example("a" * 152 + "€" + "a" * 152)
@example("满" * 66 + "🎁" + "满" * 66)
def test_segments_are_those_of_a_second_library(text: str) -> None:
    size, other = SmsSize.of(text), smsutil.split(text)
    assert size.segments == len(other.parts)
    assert size.encoding == ("gsm7" if other.encoding == "gsm0338" else "ucs2")
