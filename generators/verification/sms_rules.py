"""What carriers and regulators ask of a promotional SMS."""

from __future__ import annotations

import re

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.data import load_toml

_SIGNATURE = re.compile(r"【[^【】]+】")


class SmsRulesCheck:
    """Signature and way out.

    A Chinese SMS begins with the sender's name in 【】, once, where the brief has one (without one the gateway signs
    it); it ends with 拒收请回复R. An English one ends with how to opt out.

    Source: MIIT order 31 (2015) on short message services, articles 17-20: commercial messages need consent, name
    their sender and offer a way to refuse; the form of both is what gateways of Chinese carriers accept. 47 CFR
    64.1200 and CTIA Messaging Principles 5.1: opt-out by STOP. UK PECR regulation 23: the sender may not be hidden.
    """

    name = "sms"

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:
        """Return what the SMS lacks."""
        if not limit.max_segments:
            return []
        optout = str(load_toml(f"copy_{brief.language}.toml")["optout"])
        found = [] if text.endswith(optout) else [f"expected the way out at the end: {optout!r}"]
        if brief.language == "zh":
            found += _signature(text, brief.sender)
        return found


def _signature(text: str, sender: str) -> list[str]:
    signatures = _SIGNATURE.findall(text)
    if len(signatures) > 1 or (signatures and not text.startswith(signatures[0])):
        return ["expected one signature, at the start"]
    if sender and not text.startswith(f"【{sender}】"):
        return ["expected the sender's signature in 【】 at the start"]
    return []
