"""From briefs to variants: ask for hooks, compose, verify, rank, pick what differs, fall back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from generators.brief import TONES, Brief
from generators.candidate import Candidate
from generators.candidates import Candidates
from generators.hooks import HookModel, HookRequest, TemplateHooks
from generators.ranking import Diversity, NearCopies, Ranker
from generators.selection import Selection
from generators.studio_report import StudioReport
from generators.verification import Verifier
from generators.written import Written

__all__ = ["Studio", "StudioReport"]

# Requests that go to a model at once: progress moves, and memory stays bounded.
_BATCH = 12


class Studio:
    """Writes variants; each one that it returns has passed the verifier.

    A brief is asked for in `count` requests, which take turns in tone and in what comes first. Every hook proposed
    becomes a candidate if its draft passes; each request then gives the brief the candidate that scores best and says
    something new, and the template grammar where none does.
    """

    def __init__(
        self,
        model: HookModel,
        *,
        seed: int = 0,
        verifier: Verifier | None = None,
        ranker: Ranker | None = None,
        diversity: Diversity | None = None,
        examples: NearCopies | None = None,
    ) -> None:
        """Choose who writes and who judges.

        Args:
            model: Writes the hooks.
            seed: Equal seeds give equal copy.
            verifier: What copy must pass; every check unless given.
            ranker: Scores candidates; without one, a model's own order counts.
            diversity: Keeps the variants of a brief apart.
            examples: Copy that may not be repeated.
        """
        self._model, self._seed = model, seed
        self.report = StudioReport()
        self._candidates = Candidates(model, verifier or Verifier(), examples, self.report)
        self._ranker, self._diversity = ranker or Ranker(), diversity or Diversity()

    def write(
        self, briefs: Sequence[Brief], count: int, progress: Callable[[int], None] = lambda _: None
    ) -> list[Written]:
        """Write up to `count` variants for each brief; briefs in order, the best variant of each first.

        Args:
            briefs: What to write about.
            count: Variants a brief, at least 1.
            progress: Called with the number of variants proposed for since the last call.
        """
        written: list[Written] = []
        for requests, hooks in self._proposed(briefs, count, progress):
            self.report.asked += len(requests)
            written += self._picked(requests, hooks)
        return written

    def _proposed(
        self, briefs: Sequence[Brief], count: int, progress: Callable[[int], None]
    ) -> Iterator[tuple[list[HookRequest], list[list[str]]]]:
        """Yield each brief's requests and hooks; models are asked in batches that do not stop at a brief's end."""
        requests = [
            HookRequest(brief, brief.tone or TONES[index % len(TONES)], index, self._seed)
            for brief in briefs
            for index in range(count)
        ]
        hooks: list[list[str]] = []
        done = 0
        for start in range(0, len(requests), _BATCH):
            batch = requests[start : start + _BATCH]
            hooks += self._ask(batch)
            progress(len(batch))
            while len(hooks) >= count:
                yield requests[done : done + count], hooks[:count]
                done, hooks = done + count, hooks[count:]

    def _ask(self, requests: Sequence[HookRequest]) -> list[list[str]]:
        """Ask the model for those requests whose language it writes."""
        able = [request for request in requests if request.brief.language in self._model.languages]
        proposed = dict(zip(map(id, able), self._model.propose(able) if able else [], strict=True))
        return [proposed.get(id(request), []) for request in requests]

    def _picked(self, requests: Sequence[HookRequest], hooks: Sequence[Sequence[str]]) -> list[Written]:
        """Pick the variants of one brief."""
        own = [self._candidates.of_model(request, some) for request, some in zip(requests, hooks, strict=True)]
        selection = Selection(self._ranker, self._diversity, [item for some in own for item in some])
        for request, some in zip(requests, own, strict=True):
            if not selection.pick(some) and not self._fall_back(request, selection):
                self.report.dropped.append(f"{request.brief.id}/{request.index}")
        self.report.alike += selection.alike
        return [self._written(candidate, rank, scores) for rank, (candidate, scores) in enumerate(selection.best(), 1)]

    def _fall_back(self, request: HookRequest, selection: Selection) -> bool:
        """Let the grammar write; True where it had something new to say."""
        # The first that is new will do: grammar hooks are equals, and composing each of them would cost the most here.
        for candidate in self._candidates.of_grammar(request, selection.said):
            if selection.pick([candidate]):
                if self._model.name != TemplateHooks.name:
                    able = request.brief.language in self._model.languages
                    self.report.fallbacks["no usable hook" if able else "language"] += 1
                return True
        return False

    def _written(self, candidate: Candidate, rank: int, scores: dict[str, float]) -> Written:
        self.report.shown += 1
        own = candidate.hook_source == self._model.name
        self.report.from_model += own
        return Written(
            candidate.request,
            candidate.draft,
            candidate.hook_source,
            candidate.hook_version,
            self._candidates.checks,
            prompt=self._model.prompt(candidate.request) if own else "",
            scores=scores,
            scored_by=self._ranker.versions,
            rank=rank,
        )
