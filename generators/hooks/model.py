"""The one verb of everything that writes hooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from generators.hooks.request import HookRequest


class HookModel(Protocol):
    """Writes opening lines: no figures, no promises.

    Nothing that comes out of here is trusted: hooks are screened and the finished copy is verified.
    """

    @property
    def name(self) -> str:
        """Name for provenance and for the feature `hook_source`."""

    @property
    def version(self) -> str:
        """Version of the prompt or grammar; other words for one request come with another version."""

    @property
    def languages(self) -> frozenset[str]:
        """Languages that the model can write."""

    def prompt(self, request: HookRequest) -> str:
        """Return what the model is given for a request, for provenance; a grammar returns an empty string."""

    def propose(self, requests: Sequence[HookRequest]) -> list[list[str]]:
        """Return candidates for each request, the best first; a list may be empty.

        Equal requests give equal candidates, whatever else is in the batch.
        """
