"""Verify a draft: what passes here may be shown."""

from __future__ import annotations

from collections.abc import Sequence

from generators.brief import Brief
from generators.channel_limits import FieldLimit, channel_limits
from generators.draft import Draft
from generators.verification.check import Check, DraftCheck
from generators.verification.claims import ClaimCheck
from generators.verification.emoji import EmojiCheck
from generators.verification.facts import FactCheck
from generators.verification.finding import Finding
from generators.verification.form import FormCheck
from generators.verification.language import LanguageCheck
from generators.verification.length import LengthCheck
from generators.verification.profanity import ProfanityCheck
from generators.verification.sms_rules import SmsRulesCheck
from generators.verification.tone import ToneCheck


class Verifier:
    """Runs every check over every string of a draft."""

    def __init__(self, checks: Sequence[Check] | None = None, draft_checks: Sequence[DraftCheck] | None = None) -> None:
        self._checks: tuple[Check, ...] = tuple(default_checks() if checks is None else checks)
        self._draft_checks: tuple[DraftCheck, ...] = (ToneCheck(),) if draft_checks is None else tuple(draft_checks)

    @property
    def checks(self) -> tuple[str, ...]:
        """Names of the checks, for the provenance of what passed."""
        return (*(check.name for check in self._checks), *(check.name for check in self._draft_checks))

    def findings(self, draft: Draft, brief: Brief) -> list[Finding]:
        """Return everything that speaks against showing the draft; empty means that it may be shown."""
        found: list[Finding] = []
        limits = channel_limits()
        for channel, field, text in draft.strings():
            limit = limits.get(channel, {}).get(field, FieldLimit(channel, field))
            for check in self._checks:
                found += (Finding(check.name, channel, field, why) for why in check.reasons(text, brief, limit))
        for whole in self._draft_checks:
            found += whole.findings(draft, brief)
        return found + _incomplete(draft, brief)


def default_checks() -> tuple[Check, ...]:
    """Return the checks that every draft must pass."""
    return (
        FactCheck(),
        ClaimCheck(),
        LanguageCheck(),
        ProfanityCheck(),
        LengthCheck(),
        FormCheck(),
        EmojiCheck(),
        SmsRulesCheck(),
    )


def _incomplete(draft: Draft, brief: Brief) -> list[Finding]:
    """Name each string that the brief's channels have and the draft lacks, or the other way round."""
    wanted = {(channel, field) for channel in brief.channels for field in channel_limits()[channel]}
    present = {(channel, field) for channel, field, _ in draft.strings()}
    return [
        Finding("form", channel, field, "is missing" if (channel, field) in wanted else "was not asked for")
        for channel, field in sorted(wanted ^ present)
    ]
