"""A candidate: a verified draft that may become a variant."""

from __future__ import annotations

from dataclasses import dataclass

from generators.brief import Brief
from generators.draft import Draft
from generators.hooks.request import HookRequest


@dataclass(frozen=True, slots=True)
class Candidate:
    """A draft without a finding, and who wrote its hook.

    Attributes:
        request: Brief, tone, number and seed.
        draft: The finished strings.
        hook_source: Name of the model, or `template`, that wrote the hook.
        hook_version: Version of its prompt, weights or grammar.
    """

    request: HookRequest
    draft: Draft
    hook_source: str
    hook_version: str

    @property
    def brief(self) -> Brief:
        """What the copy is about."""
        return self.request.brief

    @property
    def text(self) -> str:
        """What is compared with other copy: the facts are the same in all variants of a brief, the hook is not."""
        return self.draft.hook
