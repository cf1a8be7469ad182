"""From a joined decision to what a model learns of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from engine.core.campaign import Campaign
from engine.core.catalogue import Catalogue
from engine.core.decision import Mode
from engine.core.feature import Feature
from engine.core.joined_decision import JoinedDecision
from engine.core.learning import LearningEvent
from engine.journal import Position

LEARNED_MODES = frozenset({Mode.LIVE, Mode.CONTROL, Mode.FALLBACK})
"""Decisions that a policy drew with a known propensity."""

_CACHED_CATALOGUES = 32


class EventMaker:
    """Looks the arms' features up in the catalogue that the decision was made from, and scales its reward.

    The label is `cost − resting_cost`: most decisions have no outcome, and with a label of 0 they leave a fresh model
    where it is, instead of teaching every arm one large constant first. Publishing adds the same number to the
    compiled intercept, so that predictions are costs again.
    """

    def __init__(self, campaign: Campaign, catalogues: Callable[[str], Catalogue]) -> None:
        self._campaign = campaign
        self._catalogues = catalogues
        self._known: OrderedDict[str, tuple[Catalogue, list[tuple[Feature, ...]]]] = OrderedDict()

    def event(self, joined: JoinedDecision[Position]) -> LearningEvent:
        """What to learn.

        Raises:
            NotFound: If nobody knows the catalogue.
            InvalidInput: If the context does not fit the schema, or an arm is not in the catalogue.
        """
        decision = joined.decision
        catalogue, features = self._arms(decision.catalogue)
        eligible = catalogue.columns(decision.eligible, "eligible")
        objective = self._campaign.objective
        return LearningEvent(
            x=self._campaign.schema.encode(decision.context.embedding, decision.context.attributes),
            arms=[features[i] for i in eligible],
            chosen=eligible.index(catalogue.index(decision.arm)),
            cost=objective.cost(objective.reward(joined.outcomes)) - objective.resting_cost,
            probability=decision.propensity,
        )

    def features(self) -> Sequence[tuple[Feature, ...]]:
        """Arm features of the catalogues met lately: arms that are gone may come back before the next publishing."""
        return [arm for _, features in self._known.values() for arm in features]

    def _arms(self, digest: str) -> tuple[Catalogue, list[tuple[Feature, ...]]]:
        found = self._known.get(digest)
        if found is None:
            catalogue = self._catalogues(digest)
            found = self._known[digest] = (catalogue, catalogue.features())
            if len(self._known) > _CACHED_CATALOGUES:
                self._known.popitem(last=False)
        self._known.move_to_end(digest)
        return found
