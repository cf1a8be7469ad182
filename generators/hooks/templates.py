"""Hooks from a grammar: no model, no dependency, every language that has a data file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache

from generators.data import load_toml
from generators.hook_grammar import GRAMMAR_VERSION, grammar_hook
from generators.hooks.request import HookRequest


class TemplateHooks:
    """Joins a scene of the product's kind and a line of the request's tone."""

    name = "template"
    languages = frozenset({"en", "zh"})

    @property
    def version(self) -> str:
        """Version of the grammar's rules and digest of its words: other words come under another version."""
        return _version()

    def prompt(self, request: HookRequest) -> str:  # noqa: ARG002 - the signature of all hook models
        """Return nothing: a grammar reads no prompt."""
        return ""

    def propose(self, requests: Sequence[HookRequest]) -> list[list[str]]:
        """Return one hook for each request."""
        return [[grammar_hook(r.brief, r.tone, r.index, r.seed)] for r in requests]


@cache
def _version() -> str:
    words = [load_toml(f"kinds_{language}.toml") for language in sorted(TemplateHooks.languages)]
    text = json.dumps(words, sort_keys=True, ensure_ascii=False, default=str)
    return f"{GRAMMAR_VERSION}-{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"
