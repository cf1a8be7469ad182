"""mabwiser's linear bandits behind the simulator's own port: the same stream, join, delay and batched updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from mabwiser.mab import MAB, LearningPolicy

from engine.core.arm import ArmId
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.drawing import SCALE
from engine.core.errors import InvalidInput
from engine.core.join import Joiner
from engine.core.joined_decision import JoinedDecision
from engine.core.outcome import Outcome, OutcomeType
from engine.core.rules.eligibility import Eligibility
from engine.core.rules.rule import Inquiry
from engine.journal import Position
from engine.service.requests import DecideRequest
from simulator.shop import Answer, Shop


@dataclass(frozen=True, slots=True)
class MabwiserSetting:
    """Which of mabwiser's policies, and how it explores; rewards are divided by `scale` before it sees them."""

    policy: str
    alpha: float
    scale: float = 1.0

    def __str__(self) -> str:
        return f"{self.policy}({self.alpha:g})"


class MabwiserService:
    """Decides with mabwiser; arms are ids, and the features are the encoded shopper with an intercept.

    The library has no eligible sets, so the best expectation among the eligible arms is played. It learns what the
    join releases, in slices as large as those after which our learner publishes. Before the first, arms are uniform.
    """

    snapshots = 0

    def __init__(self, shop: Shop, setting: MabwiserSetting) -> None:
        self._shop, self._setting = shop, setting
        campaign = shop.campaign
        self._eligibility = Eligibility(campaign, shop.catalogue)
        policy = {"LinUCB": LearningPolicy.LinUCB, "LinTS": LearningPolicy.LinTS}[setting.policy]
        self._mab: Any = MAB(list(range(len(shop.catalogue))), policy(alpha=setting.alpha), seed=shop.seed)
        self._rng = np.random.default_rng([shop.seed, 77])
        self._joiner: Joiner[Position] = Joiner(
            {kind: timedelta(seconds=campaign.horizon_s(kind)) for kind in OutcomeType},
            campaign.attribution,
            timedelta(seconds=campaign.training_horizon_s),
        )
        self._now = datetime.fromtimestamp(0, UTC)
        self._records = 0
        self._waiting: list[tuple[int, float, np.ndarray]] = []

    def decide(self, requests: Sequence[DecideRequest]) -> list[Answer]:
        """Play the eligible arm of the highest expectation, bonus or sample included."""
        rows = np.stack([self._row(request.context) for request in requests])
        eligible = np.stack([self._eligible(request) for request in requests])
        if self.snapshots:
            expected = self._mab.predict_expectations(rows)
            expected = expected if isinstance(expected, list) else [expected]
            scores = np.array([[one[arm] for arm in range(eligible.shape[1])] for one in expected])
        else:
            scores = self._rng.random(eligible.shape)
        chosen = np.where(eligible, scores, -np.inf).argmax(axis=1)
        for request, arm in zip(requests, chosen, strict=True):
            self._note(request.at, self._decision(request, int(arm)))
        return [
            Answer(f"m{request.request_id}", str(self._shop.catalogue.ids[arm]), Mode.LIVE.value)
            for request, arm in zip(requests, chosen, strict=True)
        ]

    def report(self, outcomes: Sequence[Outcome]) -> None:
        """Hand outcomes to the join."""
        for outcome in outcomes:
            self._note(outcome.at, outcome)

    def learn(self, matured: int) -> None:  # noqa: ARG002
        """Learn what the join releases, a slice at a time."""
        objective = self._shop.campaign.objective
        for item in self._joiner.advance(self._now):
            if isinstance(item, JoinedDecision):
                reward = min(max(objective.reward(item.outcomes), objective.low), objective.high)
                arm = self._shop.catalogue.index(item.decision.arm)
                self._waiting.append((arm, reward / self._setting.scale, self._row(item.decision.context)))
        every = self._shop.campaign.publishing.every_decisions
        while len(self._waiting) >= every:
            batch, self._waiting = self._waiting[:every], self._waiting[every:]
            arms, rewards, rows = (np.array(column) for column in zip(*batch, strict=True))
            (self._mab.partial_fit if self.snapshots else self._mab.fit)(arms, rewards, rows)
            self.snapshots += 1

    def export(self, path: str) -> int:
        """There is none."""
        raise InvalidInput("mabwiser draws without propensities, so there is no log to write", field=path)

    def close(self) -> None:
        """Drop what was not learned."""
        self._waiting.clear()

    def _row(self, context: Context) -> np.ndarray:
        row = self._shop.campaign.schema.encode(context.embedding, context.attributes)
        return np.append(row.astype(np.float64), 1.0)

    def _eligible(self, request: DecideRequest) -> np.ndarray:
        moment = request.at or self._now
        return self._eligibility.of(Inquiry(request.context, moment, (), (), ())).mask

    def _decision(self, request: DecideRequest, arm: int) -> Decision:
        return Decision(
            id=f"m{request.request_id}",
            campaign=request.campaign,
            user=request.user,
            decided_at=request.at or self._now,
            arm=ArmId(self._shop.catalogue.ids[arm]),
            eligible=(),
            counts=None,
            chosen_count=SCALE,
            seed=0,
            context=request.context,
            mode=Mode.LIVE,
            catalogue=self._shop.catalogue.digest,
        )

    def _note(self, at: datetime | None, record: Decision | Outcome) -> None:
        self._now = max(self._now, at or self._now)
        self._records += 1
        self._joiner.feed(Position("stream", 1, self._records), self._now, record)
