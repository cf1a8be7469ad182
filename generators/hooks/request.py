"""What a hook model is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from generators.brief import Brief


@dataclass(frozen=True, slots=True)
class HookRequest:
    """One hook for one variant.

    Attributes:
        brief: What the copy is about.
        tone: How it should sound.
        index: Number of the variant within its brief; equal requests give equal hooks, so it tells variants apart.
        seed: Seed of the whole run.
    """

    brief: Brief
    tone: str
    index: int
    seed: int

    @property
    def entropy(self) -> str:
        """A string that is distinct for each request, to seed draws with."""
        return f"{self.seed}/{self.brief.id}/{self.brief.language}/{self.tone}/{self.index}"
