"""A model learned from a log under a campaign's settings, ready to be promoted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from engine.core.campaign import Campaign
from engine.core.errors import FailedPrecondition, InvalidInput
from engine.core.feature import Feature
from engine.core.learning import LearningEvent
from engine.core.outcome import OutcomeType
from engine.journal import Positions
from engine.service.learning_trained import Trained
from engine.vw import VwLearner
from simulator.horizons import Horizons
from simulator.log import Log
from simulator.log_clock import LogClock
from simulator.outcome_kinds import outcome_kinds
from simulator.policies.arm_features import arm_features, named_by_namespace
from simulator.quantities import Quantities

__all__ = ["Candidate"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class _Skipped:
    """Decisions that could not be learned, and why the first could not."""

    decisions: int = 0
    reason: str = ""


class Candidate:
    """Learns a log as the campaign's own learner would learn the journal that the log came from.

    Objective and scale, schema, options, horizons and the modes that teach are the campaign's, so that its model can
    be compiled, judged as `snapshot:PATH` and served. Chunks come in the order of their time; a row is learned when its
    reward is complete, and rows that had not matured by `until` are not learned at all, so that the model may be judged
    on what came after. Events that do not fit the schema are counted and left out, as in the learner.

    Attributes:
        campaign: The settings of the candidate: the campaign's, with other learning, exploration or objective.
        until: Microseconds since the epoch; None takes all.
    """

    def __init__(self, campaign: Campaign, until: int | None = None) -> None:
        self.campaign, self.until = campaign, until
        weights = campaign.objective.weights
        self._horizons = Horizons({str(kind): round(campaign.horizon_s(kind) * _SECOND) for kind in OutcomeType})
        self._kinds = outcome_kinds(["objective"], dict.fromkeys(weights, 1.0))
        self._learner = VwLearner(campaign.learning, campaign.schema)
        self._clock = LogClock()
        catalogue = campaign.catalogue()
        self._known = dict(zip(map(str, catalogue.ids), catalogue.features(), strict=True))
        self._features: dict[str, tuple[Feature, ...]] = {}
        self._matured_at: int | None = None
        self._skipped = _Skipped()

    @property
    def learned(self) -> int:
        """Decisions learned."""
        return self._learner.learned

    @property
    def left_out(self) -> str:
        """How many decisions did not fit the campaign, and why the first did not; empty when all did."""
        skipped = self._skipped
        return f"{skipped.decisions} decisions do not fit the campaign: {skipped.reason}" if skipped.decisions else ""

    def observe(self, log: Log) -> None:
        """Learn the next chunk.

        Raises:
            InvalidInput: When its rows are not in the order of their time, or have none.
        """
        self._clock.pass_through(log, "candidate")
        mature_at = self._horizons.mature_at(log, self._kinds)
        teaches = log.valued & (log.lengths > 1) & self._horizons.observed(log, self._kinds)
        if self.until is not None:
            teaches &= mature_at <= self.until
        rows = np.flatnonzero(teaches)
        within = self._horizons.within(log, self._kinds)
        rewards = Quantities(within, self.campaign.objective.weights)["objective"]
        lines = self._arms(log)
        for row in rows.tolist():
            self._learn(log, row, lines, float(rewards[row]))
        if rows.size:
            self._matured_at = int(mature_at[rows[-1]])

    def trained(self) -> Trained:
        """Give the model as it stands, with the moment up to which it knows anything.

        Raises:
            FailedPrecondition: When it has learned nothing.
        """
        if self._matured_at is None or not self.learned:
            told = self.left_out or "no decision had matured"
            raise FailedPrecondition(f"expected decisions to learn from, got none: {told}; give a longer log")
        return Trained(
            model=self._learner.to_bytes(),
            learned=self.learned,
            positions=Positions(),
            matured_at=_EPOCH + timedelta(microseconds=self._matured_at),
            features=tuple(self._features.values()),
        )

    def _learn(self, log: Log, row: int, arms: Sequence[tuple[Feature, ...]], reward: float) -> None:
        campaign, objective = self.campaign, self.campaign.objective
        eligible = log.eligible[log.offsets[row] : log.offsets[row + 1]].tolist()
        attributes = {
            name: log.context[name][row]
            for name in campaign.schema.attributes
            if name in log.context and log.context[name][row] is not None
        }
        none = np.zeros(0, dtype=np.float32)
        try:
            event = LearningEvent(
                x=campaign.schema.encode(none if log.embedding is None else log.embedding[row], attributes),
                arms=[arms[code] for code in eligible],
                chosen=int(log.chosen[row]),
                cost=objective.cost(reward) - objective.resting_cost,
                probability=float(log.propensity[row]),
                weight=int(log.count[row]),
            )
            self._learner.learn([event])
        except InvalidInput as error:
            skipped = self._skipped
            self._skipped = _Skipped(skipped.decisions + int(log.count[row]), skipped.reason or str(error))

    def _arms(self, log: Log) -> list[tuple[Feature, ...]]:
        """List the features of the vocabulary: as they were at the decision, where the log has them in full.

        Logs of other makers name facts as they like; the campaign's catalogue then says what its arms are.

        Raises:
            InvalidInput: When the log has none of the campaign's arms.
        """
        features: list[tuple[Feature, ...]] = [()] * len(log.arms)
        eligible = np.unique(log.eligible).tolist()
        foreign = [log.arms[code] for code in eligible if log.arms[code] not in self._known]
        if foreign and len(foreign) >= len(eligible) - 1:
            raise InvalidInput(
                f"expected arms of campaign {self.campaign.id!r}, got {foreign[0]!r} and no arm of its own; take its "
                "own log",
                field="arms",
            )
        for code in eligible:
            arm = log.arms[code]
            full = named_by_namespace(log.catalogue.get(arm, {}).get("features") or {})
            own = self._known.get(arm)
            found = arm_features(log, arm) if full or own is None else own
            # The same tuple for each chunk, so that its text is written once.
            features[code] = self._features[arm] = found if self._features.get(arm) != found else self._features[arm]
        return features
