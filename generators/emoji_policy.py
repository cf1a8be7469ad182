"""Which emoji copy may carry, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass

from emoji import emoji_list, is_emoji

from engine.core.errors import InvalidInput
from generators.data import load_toml

# An SMS is left out unless a brief names it: one emoji turns 160 septets into 70 characters.
EMOJI_CHANNELS = ("email", "push")


@dataclass(frozen=True, slots=True)
class EmojiPolicy:
    """An allowlist and a number; the default allows none.

    Attributes:
        allowed: Whole emoji, each as a shopper sees it: one with a skin tone, a flag or a family counts as one, and a
            skin tone is allowed only where the list has it.
        most: Most of them in one string.
        channels: Where they may stand.
    """

    allowed: tuple[str, ...] = ()
    most: int = 0
    channels: tuple[str, ...] = EMOJI_CHANNELS

    def __post_init__(self) -> None:
        if wrong := [text for text in self.allowed if not is_emoji(text)]:
            raise InvalidInput(f"expected single emoji, got {wrong[0]!r}", field="emoji.allowed")
        if not 0 <= self.most <= 5:
            raise InvalidInput(f"expected 0-5 a string, got {self.most}", field="emoji.most")

    def room_in(self, channel: str) -> int:
        """Return how many emoji a string of the channel may carry."""
        return self.most if channel in self.channels and self.allowed else 0


def emoji_in(text: str) -> list[str]:
    """Return the emoji of a text as a reader counts them: joined sequences, flags and skin tones are one each.

    >>> emoji_in("tea \N{TEACUP WITHOUT HANDLE}, \U0001f44d\U0001f3fd and \U0001f1eb\U0001f1f7")
    ['\U0001f375', '\U0001f44d\U0001f3fd', '\U0001f1eb\U0001f1f7']

    Source: Unicode Technical Standard #51, emoji sequences.
    """
    if not _MAY_HOLD_EMOJI.search(text):
        return []
    return [found["emoji"] for found in emoji_list(text) if found["emoji"] not in _TEXT_SIGNS]


def without_emoji(text: str) -> str:
    """Return the text with every emoji taken out."""
    if not _MAY_HOLD_EMOJI.search(text):
        return text
    kept, end = [], 0
    for found in emoji_list(text):
        if found["emoji"] in _TEXT_SIGNS:
            continue
        kept.append(text[end : found["match_start"]])
        end = found["match_end"]
    return "".join([*kept, text[end:]])


def default_emoji() -> tuple[str, ...]:
    """Return the emoji of `data/emoji.toml` that no reader takes for a claim."""
    return tuple(load_toml("emoji.toml")["default"])


# Blocks that hold emoji; most copy has none of their signs, and a full search costs a thousand times as much.
_MAY_HOLD_EMOJI = re.compile(
    "[\u203c\u2049\u20e3\u2100-\u27bf\u2900-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001fbff]"
)
# Signs of ordinary text that Unicode also lists as emoji.
_TEXT_SIGNS = frozenset("\N{COPYRIGHT SIGN}\N{REGISTERED SIGN}\N{TRADE MARK SIGN}")
