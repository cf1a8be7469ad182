"""From briefs to variants: ask for hooks, screen them, compose, verify, fall back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from generators.brief import TONES, Brief
from generators.composer import LEADS, Composer
from generators.draft import Draft
from generators.hooks import HookModel, HookRequest, HookScreen, TemplateHooks
from generators.verification import Finding, Verifier
from generators.written import Written

# Requests that go to a model at once: progress moves, and memory stays bounded.
_BATCH = 12
# A variant that repeats another of its brief is composed anew so many times before it is given up.
_ATTEMPTS = 6


@dataclass(slots=True)
class StudioReport:
    """What happened on the way; the figures that tell whether a model is worth running.

    Attributes:
        asked: Variants asked for.
        shown: Variants that passed every check.
        from_model: Of those shown, how many carry a hook of the model asked for.
        fallbacks: Reason → hooks that the template grammar had to write.
        rejected: Reason → proposed hooks that the screen turned down.
        findings: What the verifier held against drafts; none of these is shown.
        dropped: Variants that could not be shown: no verified draft, or nothing new to say.
    """

    asked: int = 0
    shown: int = 0
    from_model: int = 0
    fallbacks: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


class Studio:
    """Writes variants; each one that it returns has passed the verifier."""

    def __init__(self, model: HookModel, *, seed: int = 0, verifier: Verifier | None = None) -> None:
        self._model, self._seed = model, seed
        self._templates = TemplateHooks()
        self._screen, self._composer = HookScreen(), Composer()
        self._verifier = verifier or Verifier()
        self.report = StudioReport()

    def write(
        self, briefs: Sequence[Brief], count: int, progress: Callable[[int], None] = lambda _: None
    ) -> list[Written]:
        """Write up to `count` variants for each brief, in order.

        Args:
            briefs: What to write about.
            count: Variants a brief, at least 1.
            progress: Called with the number of variants finished since the last call.
        """
        requests = [
            HookRequest(brief, brief.tone or TONES[index % len(TONES)], index, self._seed)
            for brief in briefs
            for index in range(count)
        ]
        written: list[Written] = []
        seen: set[tuple[str, str]] = set()
        for start in range(0, len(requests), _BATCH):
            batch = requests[start : start + _BATCH]
            for request, hooks in zip(batch, self._propose(batch), strict=True):
                self.report.asked += 1
                made = self._make(request, hooks, seen)
                if made is not None:
                    written.append(made)
            progress(len(batch))
        return written

    def _propose(self, requests: Sequence[HookRequest]) -> list[list[str]]:
        """Ask the model for those requests whose language it writes."""
        able = [request for request in requests if request.brief.language in self._model.languages]
        proposed = dict(zip(map(id, able), self._model.propose(able) if able else [], strict=True))
        return [proposed.get(id(request), []) for request in requests]

    def _make(self, request: HookRequest, hooks: Sequence[str], seen: set[tuple[str, str]]) -> Written | None:
        """Return the first verified draft that says something new, or None."""
        for hook, source in self._sources(request, hooks):
            draft = self._compose(request, hook)
            found = self._verifier.findings(draft, request.brief)
            self.report.findings += found
            mark = (request.brief.id, "\x00".join(text for _, _, text in draft.strings()))
            if found or mark in seen or (request.brief.id, hook) in seen:
                continue
            seen |= {mark, (request.brief.id, hook)}
            self.report.shown += 1
            self.report.from_model += source is self._model
            self._count_fallback(request, source)
            return Written(request, draft, source.name, source.version, self._verifier.checks)
        self.report.dropped.append(f"{request.brief.id}/{request.index}")
        return None

    def _sources(self, request: HookRequest, hooks: Sequence[str]) -> list[tuple[str, HookModel]]:
        """Return screened hooks of the model, then template hooks: the order in which they are tried."""
        source: list[tuple[str, HookModel]] = []
        for hook in hooks:
            reasons = [] if self._model.name == self._templates.name else self._screen.reasons(hook, request.brief)
            self.report.rejected.update(reason.split(":")[0] for reason in reasons[:1])
            if not reasons:
                source.append((hook, self._model))
        for attempt in range(_ATTEMPTS):
            again = HookRequest(request.brief, request.tone, request.index + 11 * attempt, request.seed)
            source += ((hook, self._templates) for hook in self._templates.propose([again])[0])
        return source

    def _compose(self, request: HookRequest, hook: str) -> Draft:
        key = f"{request.seed}/{request.brief.id}/{request.index}"
        lead = LEADS[request.index % len(LEADS)]
        return self._composer.compose(request.brief, hook, tone=request.tone, lead=lead, key=key)

    def _count_fallback(self, request: HookRequest, source: HookModel) -> None:
        if source is not self._model and self._model.name != self._templates.name:
            able = request.brief.language in self._model.languages
            self.report.fallbacks["no usable hook" if able else "language"] += 1
