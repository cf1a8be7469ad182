"""Hooks from a grammar: no model, no dependency, every language that has a data file."""

from __future__ import annotations

from collections.abc import Sequence

from generators.hook_grammar import GRAMMAR_VERSION, grammar_hook
from generators.hooks.request import HookRequest


class TemplateHooks:
    """Joins a scene of the product's kind and a line of the request's tone."""

    name = "template"
    version = GRAMMAR_VERSION
    languages = frozenset({"en", "zh"})

    def prompt(self, request: HookRequest) -> str:  # noqa: ARG002 - the signature of all hook models
        """Return nothing: a grammar reads no prompt."""
        return ""

    def propose(self, requests: Sequence[HookRequest]) -> list[list[str]]:
        """Return one hook for each request."""
        return [[grammar_hook(r.brief, r.tone, r.index, r.seed)] for r in requests]
