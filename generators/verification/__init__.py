"""Verification: parse finished copy back and compare it with the brief."""

from generators.verification.check import Check
from generators.verification.claims import ClaimCheck
from generators.verification.facts import FactCheck
from generators.verification.finding import Finding
from generators.verification.form import FormCheck
from generators.verification.language import LanguageCheck
from generators.verification.length import LengthCheck
from generators.verification.profanity import ProfanityCheck
from generators.verification.statement import Statement, StatementKind, normalised, statements
from generators.verification.verifier import Verifier, default_checks

__all__ = [
    "Check",
    "ClaimCheck",
    "FactCheck",
    "Finding",
    "FormCheck",
    "LanguageCheck",
    "LengthCheck",
    "ProfanityCheck",
    "Statement",
    "StatementKind",
    "Verifier",
    "default_checks",
    "normalised",
    "statements",
]
