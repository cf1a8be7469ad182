"""Candidates: hooks that passed the screen, in drafts that passed the verifier."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from generators.candidate import Candidate
from generators.composer import LEADS, Composer
from generators.hooks import HookModel, HookRequest, HookScreen, TemplateHooks
from generators.ranking import NearCopies
from generators.studio_report import StudioReport
from generators.verification import Verifier

# Hooks of the grammar that are tried for one variant before it is given up.
_ATTEMPTS = 6
# The grammar walks its pairs in steps of one; a stride apart, the next attempt shares neither half with its neighbours.
_STRIDE = 11


class Candidates:
    """Makes candidates and counts what was turned down on the way."""

    def __init__(self, model: HookModel, verifier: Verifier, examples: NearCopies | None, report: StudioReport) -> None:
        self._model, self._verifier, self._report = model, verifier, report
        self._examples = examples or NearCopies(())
        self._grammar, self._screen, self._composer = TemplateHooks(), HookScreen(), Composer()

    @property
    def checks(self) -> tuple[str, ...]:
        """Names of the checks that every candidate passed."""
        return self._verifier.checks

    def of_model(self, request: HookRequest, hooks: Sequence[str]) -> list[Candidate]:
        """Return the candidates among a model's hooks, in its order."""
        found = []
        for hook in hooks:
            if reason := self._refused(hook, request):
                self._report.rejected[reason] += 1
            elif candidate := self._candidate(request, hook, self._model):
                found.append(candidate)
        return found

    def of_grammar(self, request: HookRequest, said: Container[str]) -> Iterator[Candidate]:
        """Yield candidates of the template grammar, for as long as somebody wants more.

        Args:
            request: What to write.
            said: Hooks that the brief has already; composing them again would be for nothing.
        """
        for attempt in range(_ATTEMPTS):
            again = HookRequest(request.brief, request.tone, request.index + _STRIDE * attempt, request.seed)
            for hook in self._grammar.propose([again])[0]:
                if hook in said or self._examples.reason(hook):
                    continue
                if candidate := self._candidate(request, hook, self._grammar):
                    yield candidate

    def _refused(self, hook: str, request: HookRequest) -> str:
        if self._model.name != self._grammar.name and (reasons := self._screen.reasons(hook, request.brief)):
            return reasons[0].split(":")[0]
        return self._examples.reason(hook)

    def _candidate(self, request: HookRequest, hook: str, source: HookModel) -> Candidate | None:
        key = f"{request.seed}/{request.brief.id}/{request.index}"
        lead = LEADS[request.index % len(LEADS)]
        draft = self._composer.compose(request.brief, hook, tone=request.tone, lead=lead, key=key)
        found = self._verifier.findings(draft, request.brief)
        self._report.findings += found
        if found:
            return None
        self._report.candidates += 1
        return Candidate(request, draft, source.name, source.version)
