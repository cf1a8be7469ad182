"""What an ad server asks: decide, and record what came of it. An answer is given once the record is durable."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import numpy as np

from engine.core.arm import HOLD
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.drawing import SCALE
from engine.core.errors import NotFound
from engine.core.outcome import Outcome, OutcomeType
from engine.journal import Record
from engine.service.deciding import Deciding, checked_user
from engine.service.outcome_memory import OutcomeMemory
from engine.service.request_memory import RequestMemory, require_same_body
from engine.service.requests import DecideRequest, FallbackReport, OutcomeReport, Recorded
from engine.service.serving import Serving


class DeliveryClock(Protocol):
    """Time, with a rule about which claims of callers are believed."""

    def now(self) -> datetime:
        """The present."""
        ...

    def deciding_at(self, claimed: datetime | None) -> datetime:
        """The time of a decision."""
        ...

    def reported_at(self, happened: datetime) -> datetime:
        """The time of receiving an outcome."""
        ...


class DurableLog(Protocol):
    """Appends records; returns when they are durable."""

    async def append_many(self, records: Sequence[Record], at: datetime) -> object:
        """Append records in order, at a time."""
        ...


class Delivery:
    """Decides and records, for all campaigns of one worker."""

    def __init__(
        self,
        deciding: Deciding,
        servings: Mapping[str, Serving],
        log: DurableLog,
        clock: DeliveryClock,
        decisions: RequestMemory,
        outcomes: OutcomeMemory,
    ) -> None:
        self.deciding = deciding
        self._servings = servings
        self._log = log
        self._clock = clock
        self._decisions = decisions
        self._outcomes = outcomes
        self._under_way: dict[str, asyncio.Future[None]] = {}

    def serving(self, campaign: str) -> Serving:
        """The campaign as it stands now.

        Raises:
            NotFound: If there is no such campaign.
        """
        try:
            return self._servings[campaign]
        except KeyError:
            known = ", ".join(sorted(self._servings)) or "none yet"
            raise NotFound(f"campaign: no campaign {campaign[:64]!r}; this server has {known}") from None

    def now(self) -> datetime:
        """The present, by the clock that decisions carry."""
        return self._clock.now()

    def remembered(self, decision_id: str) -> Decision | None:
        """A recent decision, as long as request ids are remembered."""
        return self._decisions.find(decision_id)

    async def decide(self, request: DecideRequest) -> Decision:
        """Decide for one shopper; see `decide_many`."""
        return (await self.decide_many([request]))[0]

    async def decide_many(self, requests: Sequence[DecideRequest]) -> list[Decision]:
        """Decide for shoppers of one campaign; all are durable on return.

        A request id seen before gives the decision of then. Requests without one get an id of the server's making.

        Raises:
            NotFound: If the campaign does not exist.
            InvalidInput: Naming the field that is wrong; nothing is decided then.
            RequestIdConflict: If a request id comes with another body.
            ResourceExhausted: If too many recent decisions are remembered.
        """
        if not requests:
            return []
        serving = self.serving(requests[0].campaign)
        made: list[Decision | None] = []
        ids, digests, moments = [], [], []
        for request in requests:
            decision_id = self.deciding.decision_id(request.campaign, request.request_id or uuid.uuid4().hex)
            digest = self.deciding.body_digest(request)
            ids.append(decision_id)
            digests.append(digest)
            made.append(self._decisions.same_request(decision_id, digest, request.user))
            moments.append(self._clock.deciding_at(request.at))
        new = _first_of_each(ids, [i for i, decision in enumerate(made) if decision is None])
        fresh = self._decide_new(serving, requests, ids, digests, moments, new) if new else {}
        answers = [decision or fresh[decision_id] for decision, decision_id in zip(made, ids, strict=True)]
        for request, answer, digest in zip(requests, answers, digests, strict=True):
            require_same_body(answer, digest, request.user)
        if fresh:
            await self._write(list(fresh.values()), max(moments))
        await self._durable(set(ids) - fresh.keys())
        return answers

    def _decide_new(
        self,
        serving: Serving,
        requests: Sequence[DecideRequest],
        ids: Sequence[str],
        digests: Sequence[str],
        moments: Sequence[datetime],
        new: Sequence[int],
    ) -> dict[str, Decision]:
        self._decisions.require_room(len(new), self._clock.now())
        drawn = self.deciding.decide(
            serving, [requests[i] for i in new], [ids[i] for i in new], [moments[i] for i in new]
        )
        return {decision.id: replace(decision, body_digest=digests[i]) for i, decision in zip(new, drawn, strict=True)}

    async def _write(self, records: Sequence[Record], at: datetime) -> None:
        """Journal new records; retries of their decisions that arrive meanwhile wait for the same write."""
        decisions = [record for record in records if isinstance(record, Decision)]
        self._decisions.require_room(len(decisions), at)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        for decision in decisions:
            self._decisions.remember(decision, at)
            self._under_way[decision.id] = future
        task = asyncio.ensure_future(self._finish(records, decisions, at, future))
        await asyncio.shield(task)

    async def _finish(
        self, records: Sequence[Record], decisions: Sequence[Decision], at: datetime, future: asyncio.Future[None]
    ) -> None:
        """The part of a write that a cancelled call must not interrupt."""
        try:
            await self._log.append_many(records, at)
        except BaseException as error:
            for decision in decisions:
                self._decisions.forget(decision.id)
            future.set_exception(error)
            raise
        else:
            self._outcomes.add(f"{r.campaign}\0{r.id}" for r in records if isinstance(r, Outcome))
            future.set_result(None)
        finally:
            for decision in decisions:
                self._under_way.pop(decision.id, None)

    async def _durable(self, decision_ids: Iterable[str]) -> None:
        """Wait for the writes that these decisions are part of, if any are under way."""
        for decision_id in decision_ids:
            if (future := self._under_way.get(decision_id)) is not None:
                await asyncio.shield(future)

    async def report(self, report: OutcomeReport) -> Recorded:
        """Record outcomes and the client's safe answers; all are durable on return.

        Raises:
            NotFound: If the campaign does not exist.
            InvalidInput: Naming the field that is wrong; nothing is recorded then.
        """
        serving = self.serving(report.campaign)
        records: list[Record] = []
        known: set[str] = set()
        at = self._clock.now()
        for fallback in report.fallbacks:
            at = max(at, self._clock.reported_at(fallback.decided_at))
            record = self._fallback(serving, report.campaign, fallback)
            if record is not None and record.id not in known:
                known.add(record.id)
                records.append(record)
        for outcome in report.outcomes:
            at = max(at, self._clock.reported_at(outcome.at))
            key = f"{outcome.campaign}\0{outcome.id}"
            if key in known or self._outcomes.seen(key):
                continue
            known.add(key)
            records.append(outcome)
        earlier = {self.deciding.decision_id(report.campaign, f.request_id) for f in report.fallbacks} - known
        if records:
            await self._write(records, at)
        await self._durable(earlier)
        total = len(report.outcomes) + len(report.fallbacks)
        return Recorded(len(records), total - len(records))

    def _fallback(self, serving: Serving, campaign: str, fallback: FallbackReport) -> Decision | Outcome | None:
        """The record of a client's safe answer.

        Where the server had decided after all, and only its answer came too late, the decision keeps its row and its
        propensity: that the client held back is an outcome, `not_sent`.
        """
        checked_user(fallback.user)
        decision_id = self.deciding.decision_id(campaign, fallback.request_id)
        earlier = self._decisions.find(decision_id)
        if earlier is not None and earlier.mode is Mode.FALLBACK and earlier.policy == CLIENT_SAFE_ANSWER:
            return None
        if earlier is not None:
            if earlier.arm == HOLD or self._outcomes.seen(f"{campaign}\0{decision_id}-superseded"):
                return None
            return Outcome(
                id=f"{decision_id}-superseded",
                campaign=campaign,
                type=OutcomeType.NOT_SENT,
                at=fallback.decided_at,
                decision_id=decision_id,
                reason="client_timeout",
            )
        return _safe_answer(serving, campaign, decision_id, fallback)


CLIENT_SAFE_ANSWER = "client_safe_answer"


def _safe_answer(serving: Serving, campaign: str, decision_id: str, fallback: FallbackReport) -> Decision:
    """A hold that the client chose: it was the only thing it could do, so its propensity is 1."""
    return Decision(
        id=decision_id,
        campaign=campaign,
        user=fallback.user,
        decided_at=fallback.decided_at,
        arm=HOLD,
        eligible=(HOLD,),
        counts=np.array([SCALE], dtype=np.uint32),
        chosen_count=SCALE,
        seed=0,
        context=Context(np.zeros(serving.campaign.schema.dimension, dtype=np.float32)),
        mode=Mode.FALLBACK,
        catalogue=serving.catalogue.digest,
        policy=CLIENT_SAFE_ANSWER,
        excluded=dict.fromkeys(serving.catalogue.ids[1:], "server_away"),
    )


def _first_of_each(ids: Sequence[str], positions: Sequence[int]) -> list[int]:
    """The first position of each id: one request may stand twice in a batch."""
    first: dict[str, int] = {}
    for position in positions:
        first.setdefault(ids[position], position)
    return sorted(first.values())
