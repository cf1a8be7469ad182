"""Emoji as the brief's policy has them."""

from __future__ import annotations

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.emoji_policy import emoji_in


class EmojiCheck:
    """Counts whole emoji of a string against the policy of the brief."""

    name = "emoji"

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:
        """Return each emoji that is not on the list, and whether there are too many."""
        found, policy = emoji_in(text), brief.emoji
        room = policy.room_in(limit.channel)
        if found and not room:
            return [f"expected no emoji here, got {found[0]!r}"]
        reasons = [f"{emoji!r} is not among the allowed emoji" for emoji in found if emoji not in policy.allowed]
        if len(found) > room:
            reasons.append(f"expected at most {room} emoji, got {len(found)}")
        return reasons
