"""A verified draft with everything that made it."""

from __future__ import annotations

from dataclasses import dataclass

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
    """

    request: HookRequest
    draft: Draft
    hook_source: str
    hook_version: str
    checks: tuple[str, ...]
