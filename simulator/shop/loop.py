"""The closed loop: shoppers come, the service decides, reactions are reported, the service learns."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from engine.core.arm import ChannelId
from engine.core.outcome import Outcome, OutcomeType
from engine.service.requests import DecideRequest
from simulator.arrays import BoolArray, IntArray
from simulator.shop.ledger import Ledger
from simulator.shop.population import Population
from simulator.shop.reactions import Reaction
from simulator.shop.service_port import Answer, ServicePort
from simulator.shop.shop import OPENING, Shop
from simulator.shop.stream import LUCK

__all__ = ["Loop"]

_LAG, _LATE, _DISORDER, _DUPLICATE = (LUCK.index(name) for name in ("lag", "late", "disorder", "duplicate"))
_DISORDER_S = 4 * 3600.0
_REPEATED_AFTER_S = 1800.0


@dataclass(order=True, slots=True)
class _Report:
    """An outcome on its way; the number keeps reports of one moment in order."""

    due: float
    number: int
    outcome: Outcome = field(compare=False)
    leaves: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(slots=True, eq=False)
class Loop:
    """Drives one shop against one service, in simulated time.

    Attributes:
        shop: The world.
        service: Decides.
        ledger: What was got and what was to be had.
    """

    shop: Shop
    service: ServicePort
    ledger: Ledger = field(init=False)
    _label: str = field(init=False)
    _reports: list[_Report] = field(init=False, default_factory=list)
    _numbered: int = field(init=False, default=0)
    _consents: BoolArray = field(init=False)
    _horizon_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.shop)
        self._label = f"simulate-{self.shop.seed}"
        self._consents = self.shop.population.consents.copy()
        self._horizon_s = self.shop.campaign.training_horizon_s
        organic = self.shop.stream.organic_at
        for i in range(len(organic)):
            self._expect(organic[i] + self.shop.scenario.reporting.lag_s, self._organic(i))

    def run(self, progress: Callable[[int], None] = lambda _: None) -> Ledger:
        """Run to the last report.

        Args:
            progress: Called with the number of decisions made so far.
        """
        n, batch = self.shop.scenario.decisions, self.shop.scenario.batch
        for start in range(0, n, batch):
            decisions = np.arange(start, min(start + batch, n))
            now = float(self.shop.stream.at[decisions[0]])
            self._deliver(now)
            self.service.learn(int(np.searchsorted(self.shop.stream.at, now - self._horizon_s)))
            self._decide(decisions)
            progress(int(decisions[-1]) + 1)
        self._deliver(float("inf"))
        self.service.learn(n)
        return self.ledger

    def _decide(self, decisions: IntArray) -> None:
        users = self.shop.stream.user[decisions]
        consents = self._consents[users]
        requests = [self._request(int(i), int(user)) for i, user in zip(decisions, users, strict=True)]
        answers = self.service.decide(requests)
        arms = np.array([self.shop.catalogue.index(answer.arm) for answer in answers])
        self.ledger.decided(decisions, consents, arms, [answer.mode for answer in answers])
        clicks, buys = self.shop.truth.click(users), self.shop.truth.buy(users)
        for row, (decision, answer) in enumerate(zip(decisions, answers, strict=True)):
            arm = int(arms[row])
            self._react(int(decision), arm, answer, float(clicks[row, arm]), float(buys[row, arm]))

    def _request(self, decision: int, user: int) -> DecideRequest:
        channels = self.shop.scenario.channels
        agreed = frozenset(ChannelId(channel.id) for j, channel in enumerate(channels) if self._consents[user, j])
        return DecideRequest(
            campaign=self.shop.campaign.id,
            user=Population.name(user),
            context=self.shop.population.context(user, agreed),
            request_id=f"{self._label}-{decision}",
            at=moment(float(self.shop.stream.at[decision])),
        )

    def _react(self, decision: int, arm: int, answer: Answer, click: float, buy: float) -> None:
        """Draw what follows, and send it on its way."""
        stream, objective = self.shop.stream, self.shop.campaign.objective
        user, at, luck = int(stream.user[decision]), float(stream.at[decision]), stream.luck[decision]
        outcomes = []
        for reaction in self.shop.reactions.of(user, arm, at, luck, click, buy):
            outcome = self._outcome(decision, answer, reaction)
            outcomes.append(outcome)
            leaves = (user, int(self.shop.truth.channel[arm])) if reaction.type is OutcomeType.UNSUBSCRIBE else None
            self._send(decision, reaction.at, outcome, leaves)
        end = at + float(self.shop.exposed_s(np.array([decision]))[0])
        outcomes += [self._organic(int(i)) for i in stream.organic_between(user, at, end)]
        self.ledger.earned(decision, objective.reward(outcomes))

    def _outcome(self, decision: int, answer: Answer, reaction: Reaction) -> Outcome:
        return Outcome(
            id=f"{self._label}-{decision}-{reaction.type}",
            campaign=self.shop.campaign.id,
            type=reaction.type,
            at=moment(reaction.at),
            value=reaction.value,
            decision_id=answer.decision_id,
            reason=reaction.reason,
        )

    def _organic(self, i: int) -> Outcome:
        """A purchase that nobody prompted: the till knows who bought, and of no decision."""
        stream, people = self.shop.stream, self.shop.population
        user = int(stream.organic_user[i])
        value = self.shop.truth.basket.value(float(people.basket_median[user]), float(stream.organic_luck[i]))
        return Outcome(
            id=f"{self._label}-organic-{i}",
            campaign=self.shop.campaign.id,
            type=OutcomeType.PURCHASE,
            at=moment(float(stream.organic_at[i])),
            value=float(value),
            user=Population.name(user),
        )

    def _send(self, decision: int, at: float, outcome: Outcome, leaves: tuple[int, int] | None) -> None:
        """Put a report on its way, late, in disorder or twice as luck has it."""
        reporting, luck = self.shop.scenario.reporting, self.shop.stream.luck[decision]
        due = at - reporting.lag_s * float(np.log1p(-luck[_LAG]))
        if luck[_LATE] < reporting.lost_to_training:
            due = float(self.shop.stream.at[decision]) + 2 * self._horizon_s
        elif luck[_DISORDER] < reporting.disorder:
            due += _DISORDER_S
        self._expect(due, outcome, leaves)
        if luck[_DUPLICATE] < reporting.duplicates:
            self._expect(due + _REPEATED_AFTER_S, outcome)

    def _expect(self, due: float, outcome: Outcome, leaves: tuple[int, int] | None = None) -> None:
        heapq.heappush(self._reports, _Report(due, self._numbered, outcome, leaves))
        self._numbered += 1

    def _deliver(self, now: float) -> None:
        """Report everything that is due, oldest first."""
        due = []
        while self._reports and self._reports[0].due <= now:
            report = heapq.heappop(self._reports)
            due.append(report.outcome)
            if report.leaves:
                self._consents[report.leaves] = False
        for part in _parts(due, 1000):
            self.service.report(part)


def moment(seconds: float) -> datetime:
    """Simulated seconds as a time, to the microsecond."""
    return OPENING + timedelta(microseconds=round(seconds * 1e6))


def _parts(outcomes: Sequence[Outcome], size: int) -> list[Sequence[Outcome]]:
    return [outcomes[i : i + size] for i in range(0, len(outcomes), size)]
