"""What happened on the way from briefs to variants."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from generators.verification import Finding


@dataclass(slots=True)
class StudioReport:
    """The figures that tell whether a model is worth running.

    Attributes:
        asked: Variants asked for.
        shown: Variants that passed every check and were picked.
        from_model: Of those shown, how many carry a hook of the model asked for.
        candidates: Verified drafts that there were to choose from.
        fallbacks: Reason → hooks that the template grammar had to write.
        rejected: Reason → proposed hooks that were turned down before they were composed.
        findings: What the verifier held against drafts; none of these is shown.
        alike: Candidates left out because another variant of the brief says nearly the same.
        dropped: Variants that could not be shown: no verified draft, or nothing new to say.
    """

    asked: int = 0
    shown: int = 0
    from_model: int = 0
    candidates: int = 0
    fallbacks: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    alike: int = 0
    dropped: list[str] = field(default_factory=list)
