"""Joins decisions with their outcomes, in an order that depends on the journal's content alone."""

from __future__ import annotations

import heapq
from bisect import bisect_right, insort
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic

from engine.core.decision import Decision
from engine.core.errors import InvalidInput
from engine.core.join_rejection import Rejection
from engine.core.join_rule import JoinRule, claims_by_user
from engine.core.join_tally import JoinTally
from engine.core.join_trail import PlacedT, Trail
from engine.core.joined_decision import Attribution, Credit, JoinedDecision
from engine.core.outcome import Outcome, OutcomeType

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_LAST_ID = "\U0010ffff"
_SAMPLES_A_SPAN = 32

Order = tuple[datetime, str, int, int]
"""A record's place in the journal as a whole: recorded_at, then chain, segment and offset."""


@dataclass(slots=True)
class _Held(Generic[PlacedT]):
    """A decision in memory; `decision` is dropped at maturity, its name and time stay to settle claims."""

    place: PlacedT
    id: str
    decided_at: datetime
    user: str
    claims: bool
    decision: Decision | None
    outcomes: list[tuple[Order, Outcome]] = field(default_factory=list)

    @property
    def key(self) -> tuple[datetime, str]:
        return (self.decided_at, self.id)

    def settle(self) -> Decision:
        """Give the decision out, once."""
        decision, self.decision = self.decision, None
        if decision is None:
            raise AssertionError(f"decision {self.id} matured twice")
        return decision


@dataclass(slots=True, eq=False)
class _Report(Generic[PlacedT]):
    """An outcome in memory; `settled` once some decision counts it."""

    order: Order
    place: PlacedT
    outcome: Outcome
    settled: bool = False


class Joiner(Generic[PlacedT]):
    """A sequential machine over the journal's own order.

    Records may be fed in any interleaving of the chains. They wait until the watermark has passed them and are then
    taken in the order (recorded_at, chain, place); before a record of time r is taken, every decision that matured
    before r is released, sorted by (maturity, decision id). So at its release a decision sees exactly what was
    recorded up to its maturity, and neither the interleaving nor the size of the batches nor a restart can change what
    comes out.

    A decision matures at max(decided_at, recorded_at) + the training horizon, for all arms alike. Outcomes that name
    it count if they happened within the horizon of their type. Outcomes that name a user go to the user's latest
    decision that covers them, `hold` and holdout included, as seen at maturity; one that a decision already counts is
    never counted again.

    Everything is held for one span, the longest horizon plus the training horizon, then forgotten. What is released at
    a time τ hangs on records of the last span, on who took their outcomes (decisions of the span before), and on which
    of those were repeats (ids of the span before that): reading again from τ − 3 spans gives the same, as `low_mark`
    says.

    Args:
        horizons: Outcome type → how long after the decision it counts.
        attribution: `last` or `all`, for outcomes that name a user only.
        training_horizon: How long training waits for every decision.
        start: Places after which reading begins; empty for the journal's start.
        after: (maturity, decision id) of the last release that is already dealt with; up to it nothing is given out
            or counted.
    """

    def __init__(
        self,
        horizons: Mapping[OutcomeType, timedelta],
        attribution: Attribution,
        training_horizon: timedelta,
        *,
        start: Mapping[str, PlacedT] | None = None,
        after: tuple[datetime, str] | None = None,
    ) -> None:
        if training_horizon <= timedelta(0):
            raise InvalidInput(f"expected a time above 0, got {training_horizon}", field="training_horizon")
        self._rule = JoinRule(horizons, attribution)
        self._wait = training_horizon
        self._patience = max(self._rule.longest, training_horizon)
        self._span = self._patience + training_horizon
        self._after = after
        self._clock = _BEGINNING
        self._released = (_BEGINNING, "")
        self._trail: Trail[PlacedT] = Trail(self._span / _SAMPLES_A_SPAN, start or {})
        self._inbox: list[tuple[Order, PlacedT, Decision | Outcome]] = []
        self._pending: list[tuple[datetime, str]] = []
        self._held: dict[str, _Held[PlacedT]] = {}
        self._expiring: deque[tuple[datetime, _Held[PlacedT]]] = deque()
        self._of_user: dict[str, list[tuple[datetime, str]]] = {}
        self._named: dict[str, list[_Report[PlacedT]]] = {}
        self._unnamed: dict[str, list[_Report[PlacedT]]] = {}
        self._reports: deque[_Report[PlacedT]] = deque()
        self._seen: OrderedDict[tuple[str, str], datetime] = OrderedDict()
        self.tally = JoinTally()

    def feed(self, place: PlacedT, recorded_at: datetime, record: Decision | Outcome | None) -> None:
        """Hand over one record.

        Args:
            place: Where it stands.
            recorded_at: Its time on the chain's clock, which never goes back.
            record: The record, or None where it only tells the time or concerns another campaign.
        """
        self._trail.note(place, recorded_at)
        if record is not None:
            order = (recorded_at, place.chain, place.segment, place.offset)
            heapq.heappush(self._inbox, (order, place, record))

    def advance(self, watermark: datetime) -> Iterator[JoinedDecision[PlacedT] | Rejection[PlacedT]]:
        """Take every record from before the watermark and release every decision that matured before it.

        Nothing recorded before the watermark should come later. A straggler is still joined while its decision has not
        matured. An iterator left half-way loses nothing: the next call goes on.

        Yields:
            Matured decisions in training order, and records that cannot be joined.
        """
        while self._inbox and self._inbox[0][0][0] < watermark:
            recorded_at = self._inbox[0][0][0]
            yield from self._release(recorded_at)
            yield from self._forget(recorded_at)
            order, place, record = heapq.heappop(self._inbox)
            self._clock = max(self._clock, recorded_at)
            if isinstance(record, Decision):
                yield from self._take_decision(order, place, record)
            else:
                self._take_outcome(_Report(order, place, record))
        yield from self._release(watermark)
        self.low_mark()  # lets the trail forget what lies further back

    def low_mark(self) -> dict[str, PlacedT]:
        """Per chain the place after which a restart from here has to read; chains left out are read from their start.

        Holds for the last item that `advance` has yielded, so it may be asked between two items.
        """
        return self._trail.before(self._clock - min(3 * self._span, self._clock - _BEGINNING))

    def __len__(self) -> int:
        """Records and ids held in memory."""
        return len(self._inbox) + len(self._held) + len(self._reports) + len(self._seen) + len(self._trail)

    def _release(self, before: datetime) -> Iterator[JoinedDecision[PlacedT] | Rejection[PlacedT]]:
        while self._pending and self._pending[0][0] < before:
            yield from self._forget(self._pending[0][0])
            self._released = matures_at, decision_id = heapq.heappop(self._pending)
            self._clock = max(self._clock, matures_at)
            held = self._held[decision_id]
            joined = JoinedDecision(held.place, held.settle(), self._credits(held), matures_at)
            if self._after is None or (matures_at, decision_id) > self._after:
                self.tally.decisions += 1
                self.tally.outcomes += len(joined.credits)
                yield joined

    def _credits(self, held: _Held[PlacedT]) -> tuple[Credit, ...]:
        found = [(order, Credit(outcome, "id")) for order, outcome in held.outcomes]
        rivals = self._of_user.get(held.user, []) if held.claims else []
        for report in self._unnamed.get(held.user, ()) if held.claims else ():
            if self._rule.covers(held.decided_at, report.outcome):
                last = rivals[bisect_right(rivals, (report.outcome.at, _LAST_ID)) - 1] == held.key
                credit = self._rule.credit(report.outcome, latest=last, paid=report.settled)
                report.settled = report.settled or last
                if credit is not None:
                    found.append((report.order, credit))
        found.sort(key=lambda item: item[0])
        held.outcomes = []
        return tuple(credit for _, credit in found)

    def _take_decision(self, order: Order, place: PlacedT, decision: Decision) -> Iterator[Rejection[PlacedT]]:
        recorded_at = order[0]
        matures_at = max(decision.decided_at, recorded_at) + self._wait
        if self._is_repeat("decision", decision.id, recorded_at):
            self._count("duplicate_decisions")
        elif decision.decided_at >= recorded_at + self._patience:
            yield from self._reject(place, decision, f"decided over {self._patience} ahead of the journal's clock")
        elif (matures_at, decision.id) <= self._released:
            yield from self._reject(place, decision, "read after its slice was closed; `engine learn --rebuild` has it")
        else:
            held = _Held(place, decision.id, decision.decided_at, decision.user, claims_by_user(decision), decision)
            self._held[held.id] = held
            self._expiring.append((recorded_at, held))
            heapq.heappush(self._pending, (matures_at, held.id))
            if held.claims:
                insort(self._of_user.setdefault(held.user, []), held.key)
            for report in self._named.pop(held.id, ()):
                self._attach(report, held)

    def _take_outcome(self, report: _Report[PlacedT]) -> None:
        outcome = report.outcome
        if self._is_repeat("outcome", outcome.id, report.order[0]):
            self._count("duplicate_outcomes")
            return
        self._reports.append(report)
        if not outcome.decision_id:
            self._unnamed.setdefault(outcome.user, []).append(report)
        elif outcome.decision_id in self._held:
            self._attach(report, self._held[outcome.decision_id])
        else:
            self._named.setdefault(outcome.decision_id, []).append(report)

    def _attach(self, report: _Report[PlacedT], held: _Held[PlacedT]) -> None:
        report.settled = True
        if not self._rule.covers(held.decided_at, report.outcome):
            self._count("outside_outcomes")
        elif held.decision is None:
            self._count("late_outcomes")
        else:
            held.outcomes.append((report.order, report.outcome))

    def _forget(self, through: datetime) -> Iterator[Rejection[PlacedT]]:
        """Let go of everything recorded a span ago or longer."""
        oldest = through - min(self._span, through - _BEGINNING)
        while self._expiring and self._expiring[0][0] <= oldest:
            held = self._expiring.popleft()[1]
            del self._held[held.id]
            if held.claims:
                _drop(self._of_user, held.user, held.key)
        while self._reports and self._reports[0].order[0] <= oldest:
            report = self._reports.popleft()
            self._clock = max(self._clock, report.order[0] + self._span)
            yield from self._let_go(report)
        while self._seen and next(iter(self._seen.values())) <= oldest:
            self._seen.popitem(last=False)

    def _let_go(self, report: _Report[PlacedT]) -> Iterator[Rejection[PlacedT]]:
        outcome = report.outcome
        if not outcome.decision_id:
            _drop(self._unnamed, outcome.user, report)
            if not report.settled:
                self._count("unclaimed_outcomes")
        elif not report.settled:
            _drop(self._named, outcome.decision_id, report)
            reason = f"no decision of this campaign with its decision_id came within {self._span}, or it is long past"
            yield from self._reject(report.place, outcome, reason)

    def _is_repeat(self, kind: str, record_id: str, recorded_at: datetime) -> bool:
        key = (kind, record_id)
        repeat = key in self._seen
        self._seen[key] = max(recorded_at, self._seen.get(key, recorded_at))
        self._seen.move_to_end(key)
        return repeat

    def _reject(self, place: PlacedT, record: Decision | Outcome, reason: str) -> Iterator[Rejection[PlacedT]]:
        if self._count("rejected"):
            yield Rejection(place, record, reason)

    def _count(self, name: str) -> bool:
        """Count an event, unless it is one from before the restart; say whether it was counted."""
        news = self._after is None or self._clock > self._after[0]
        if news:
            setattr(self.tally, name, getattr(self.tally, name) + 1)
        return news


def _drop(lists: dict[str, list[Any]], key: str, item: object) -> None:
    items = lists[key]
    items.remove(item)
    if not items:
        del lists[key]
