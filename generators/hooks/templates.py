"""Hooks from a grammar: no model, no dependency, every language that has a data file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache

from generators.data import load_toml
from generators.hooks.request import HookRequest


class TemplateHooks:
    """Joins an opening and a closing of the request's tone.

    The variants of one brief walk through the pairs from a start that depends on seed and brief, so that openings and
    closings both change from one variant to the next.
    """

    name = "template"
    languages = frozenset({"en", "zh"})

    def prompt(self, request: HookRequest) -> str:  # noqa: ARG002 - the signature of all hook models
        """Return nothing: a grammar reads no prompt."""
        return ""

    @property
    def version(self) -> str:
        """Digest of the grammar: other openings or closings come under another version."""
        return _version()

    def propose(self, requests: Sequence[HookRequest]) -> list[list[str]]:
        """Return one hook for each request."""
        return [[self._hook(request)] for request in requests]

    def _hook(self, request: HookRequest) -> str:
        tone = load_toml(f"copy_{request.brief.language}.toml")["hooks"][request.tone]
        openings, closings = tone["openings"], tone["closings"]
        start = int.from_bytes(
            hashlib.blake2b(f"{request.seed}/{request.brief.id}/{request.tone}".encode(), digest_size=8).digest()
        )
        # One opening further each time, and one closing further on top after each round.
        step = start % (len(openings) * len(closings)) + request.index
        opening = openings[step % len(openings)]
        closing = closings[(step + step // len(openings)) % len(closings)]
        return f"{opening}{closing}"


@cache
def _version() -> str:
    hooks = [load_toml(f"copy_{language}.toml")["hooks"] for language in sorted(TemplateHooks.languages)]
    words = json.dumps(hooks, sort_keys=True, ensure_ascii=False).encode()
    return f"template-1-{hashlib.blake2b(words, digest_size=4).hexdigest()}"
