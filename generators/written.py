"""A verified draft with everything that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generators.draft import Draft
from generators.hooks.request import HookRequest


@dataclass(frozen=True, slots=True)
class Written:
    """Copy that passed every check, and its provenance.

    Attributes:
        request: Brief, tone, number and seed.
        draft: The finished strings.
        hook_source: Name of the model, or `template`, that wrote the hook.
        hook_version: Version of its prompt or grammar.
        checks: Names of the checks that passed.
        prompt: What the model was given; empty for the grammar.
        scores: Name → score, and their weighted `total` among the variants of the brief.
        scored_by: Name → what made the score.
        rank: Place among the variants of its brief, from 1.
    """

    request: HookRequest
    draft: Draft
    hook_source: str
    hook_version: str
    checks: tuple[str, ...]
    prompt: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    scored_by: Mapping[str, str] = field(default_factory=dict)
    rank: int = 1
