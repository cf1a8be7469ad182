"""Emoji are counted as a reader sees them, kept to the brief's policy, and written where the tone calls for one."""

from __future__ import annotations

import pytest

from engine.core.errors import InvalidInput
from generators.brief import Brief
from generators.channel_limits import channel_limits
from generators.emoji_policy import EmojiPolicy, default_emoji, emoji_in, without_emoji
from generators.hooks import TemplateHooks
from generators.product import Product
from generators.sms import SmsSize
from generators.studio import Studio
from generators.verification import EmojiCheck

FAMILY, FLAG, THUMB, HEART = "👨‍👩‍👧‍👦", "🇫🇷", "👍🏽", "❤️"


def brief(policy: EmojiPolicy, language: str = "en") -> Brief:
    return Brief(
        "b", Product("Stoneware Mug" if language == "en" else "手作陶杯", 2400, "CNY"), language=language, emoji=policy
    )


def test_a_sequence_is_one_emoji() -> None:
    text = f"a{FAMILY}{FLAG} b{THUMB}{HEART}✨ © ®"
    assert emoji_in(text) == [FAMILY, FLAG, THUMB, HEART, "✨"]
    assert without_emoji(text) == "a b © ®"


@pytest.mark.parametrize(
    ("text", "policy", "channel", "passes"),
    [
        ("Hello", EmojiPolicy(), "push", True),
        ("Hello ✨", EmojiPolicy(), "push", False),
        ("Hello ✨", EmojiPolicy(("✨",), 1), "push", True),
        ("Hello ✨✨", EmojiPolicy(("✨",), 1), "push", False),
        ("Hello 🌿", EmojiPolicy(("✨",), 1), "push", False),
        ("Hello 👍🏽", EmojiPolicy(("👍",), 1), "push", False),
        ("Hello 👨‍👩‍👧‍👦🇫🇷", EmojiPolicy((FAMILY, FLAG), 2), "push", True),
        ("Hello ✨", EmojiPolicy(("✨",), 1), "sms", False),
        ("Hello ✨", EmojiPolicy(("✨",), 1, ("sms",)), "sms", True),
    ],
)
def test_the_policy_of_the_brief_holds(text: str, policy: EmojiPolicy, channel: str, passes: bool) -> None:
    field = next(iter(channel_limits()[channel].values()))
    assert (EmojiCheck().reasons(text, brief(policy), field) == []) is passes


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_composer_writes_emoji_where_policy_and_tone_call_for_one(language: str) -> None:
    allowed = brief(EmojiPolicy(default_emoji(), 1), language)
    written = Studio(TemplateHooks()).write([allowed], 8)
    assert len(written) == 8
    marked = {item.draft.tone: [t for _, _, t in item.draft.strings() if emoji_in(t)] for item in written}
    assert marked["plain"] == []
    assert marked["lively"]
    for item in written:
        assert not emoji_in(item.draft.channels["sms"]["text"])
        if language == "en":
            assert SmsSize.of(item.draft.channels["sms"]["text"]).encoding == "gsm7"
    for item in Studio(TemplateHooks()).write([brief(EmojiPolicy(), language)], 8):
        assert not any(emoji_in(text) for _, _, text in item.draft.strings())


@pytest.mark.parametrize("allowed", [("ab",), ("✨🌿",), ("",)])
def test_a_policy_lists_single_emoji(allowed: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="single emoji"):
        EmojiPolicy(allowed, 1)
