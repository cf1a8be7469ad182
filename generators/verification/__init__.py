"""Verification: parse finished copy back and compare it with the brief."""

from generators.verification.check import Check, DraftCheck
from generators.verification.claims import ClaimCheck
from generators.verification.emoji import EmojiCheck
from generators.verification.facts import FactCheck
from generators.verification.finding import Finding
from generators.verification.form import FormCheck
from generators.verification.language import LanguageCheck
from generators.verification.length import LengthCheck
from generators.verification.plain_text import normalised
from generators.verification.profanity import ProfanityCheck
from generators.verification.reading import statements
from generators.verification.sms_rules import SmsRulesCheck
from generators.verification.statement import Statement, StatementKind
from generators.verification.tone import ToneCheck
from generators.verification.verifier import Verifier, default_checks

__all__ = [
    "Check",
    "ClaimCheck",
    "DraftCheck",
    "EmojiCheck",
    "FactCheck",
    "Finding",
    "FormCheck",
    "LanguageCheck",
    "LengthCheck",
    "ProfanityCheck",
    "SmsRulesCheck",
    "Statement",
    "StatementKind",
    "ToneCheck",
    "Verifier",
    "default_checks",
    "normalised",
    "statements",
]
