"""Words that advertising may not use, or only where the offer bears them out."""

from __future__ import annotations

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.verification.claim_rules import ClaimRule, claim_rules
from generators.verification.folding import folded
from generators.verification.regulated import regulated_groups


class ClaimCheck:
    """Rules of `data/claims_*.toml` in both languages, and the brief's own banned words."""

    name = "claims"

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:  # noqa: ARG002 - one verb for all checks
        """Return each claim that the copy may not make."""
        plain = folded(text)
        groups = regulated_groups(brief)
        found = []
        for rule in claim_rules():
            if rule.applies(brief, groups) and (stated := rule.words_in(plain)):
                found.append(f"{stated!r}: {rule.reason} [{rule.id}]")
        words = [word for word in brief.banned_words if folded(word) in plain]
        return found + [f"{word!r}: banned by the brief" for word in words]


def broken_rules(text: str, brief: Brief) -> list[ClaimRule]:
    """Return the rules that a text breaks, with their sources, for a report."""
    groups = regulated_groups(brief)
    return [rule for rule in claim_rules() if rule.applies(brief, groups) and rule.words_in(folded(text))]
