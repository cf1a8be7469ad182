"""Recording what came of decisions: outcomes, and safe answers that clients gave themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from operator import itemgetter

import numpy as np

from engine.core.arm import HOLD
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.drawing import SCALE
from engine.core.errors import Overloaded
from engine.core.exclusions import Exclusions
from engine.core.outcome import Outcome, OutcomeType
from engine.journal import Record
from engine.service.asked import Asked, all_of
from engine.service.decided import Decided
from engine.service.deciding import Deciding, Identity
from engine.service.delivery_ports import DeliveryClock, DurableLog
from engine.service.delivery_watch import DeliveryWatch
from engine.service.outcome_memory import OutcomeMemory
from engine.service.request_memory import RequestMemory
from engine.service.requests import DecideRequest, FallbackReport, OutcomeReport, Recorded
from engine.service.serving import Serving

_LATER_HALF = slice(16, None)
"""Of a decision id in hexadecimal digits: for one of a batch, it names the batch."""


class Reporting:
    """Records what is reported, once; what was not sent is given back to caps and budgets."""

    def __init__(
        self,
        deciding: Deciding,
        log: DurableLog,
        clock: DeliveryClock,
        decisions: RequestMemory,
        outcomes: OutcomeMemory,
        under_way: dict[bytes, Asked],
        watch: DeliveryWatch,
    ) -> None:
        """Share with `Delivery` what it has, the requests under way among it."""
        self._deciding = deciding
        self._log = log
        self._clock = clock
        self._decisions = decisions
        self._outcomes = outcomes
        self._under_way = under_way
        self._watch = watch

    async def report(self, serving: Serving, report: OutcomeReport) -> Recorded:
        """Record outcomes and the client's safe answers; all are durable on return.

        Raises:
            InvalidInput: Naming the field that is wrong; nothing is recorded then.
        """
        records: list[Record] = []
        known: set[str] = set()
        waiting: list[asyncio.Future[Decided]] = []
        fallbacks: list[Asked] = []
        at = self._clock.now()
        for fallback in report.fallbacks:
            at = max(at, self._clock.reported_at(fallback.decided_at))
            made = self._fallback(serving, report.campaign, fallback)
            if isinstance(made, Asked):
                waiting.append(made.wait())
            elif made is not None and made.id not in known:
                known.add(made.id)
                records.append(made)
        for outcome in report.outcomes:
            at = max(at, self._clock.reported_at(outcome.at))
            key = f"{outcome.campaign}\0{outcome.id}"
            if key in known or self._outcomes.seen(key):
                continue
            known.add(key)
            records.append(self._pseudonymous(outcome))
        if records:
            keys = _outcome_keys(records)
            self._outcomes.claim(keys, at)
            try:
                fallbacks = self._take_up([r for r in records if isinstance(r, Decision)], at)
            except BaseException:
                self._outcomes.forget(keys)
                raise
            await asyncio.shield(asyncio.ensure_future(self._write(records, fallbacks, serving, at)))
        await all_of(waiting)
        self._watch.reported(report.campaign, records, len(report.outcomes) + len(report.fallbacks) - len(records))
        total = len(report.outcomes) + len(report.fallbacks)
        return Recorded(len(records), total - len(records))

    def _pseudonymous(self, outcome: Outcome) -> Outcome:
        return replace(outcome, user=self._deciding.pseudonym(outcome.user)) if outcome.user else outcome

    def _take_up(self, decisions: Sequence[Decision], at: datetime) -> list[Asked]:
        """Safe answers are decisions, too: retries that arrive while they are written wait for them."""
        ids = [bytes.fromhex(decision.id) for decision in decisions]
        refused = self._decisions.remember(ids, decisions, at)
        if refused:
            self._decisions.forget([id for i, id in enumerate(ids) if i not in refused])
            raise next(iter(refused.values()))
        taken = []
        for id, decision in zip(ids, decisions, strict=True):
            request = DecideRequest(decision.campaign, decision.user, decision.context)
            taken.append(Asked(request, Identity(id, b"", decision.user), at))
            self._under_way[id] = taken[-1]
        return taken

    async def _write(self, records: Sequence[Record], asked: Sequence[Asked], serving: Serving, at: datetime) -> None:
        """The part of a report that a cancelled call must not interrupt."""
        ids = [one.identity.id for one in asked]
        began_s = time.perf_counter()
        try:
            taken = await self._taken(records)
            added = self._log.add(records, at)
            self._give_back(serving, taken)
            await asyncio.shield(added.durable)
        except BaseException as error:
            self._outcomes.forget(_outcome_keys(records))
            self._watch.failed(len(records))
            self._decisions.forget(ids)
            for one in asked:
                one.fail(error)
            raise
        else:
            self._watch.committed(len(records), "ReportOutcomes", time.perf_counter() - began_s)
            self._outcomes.add(_outcome_keys(records), at)
            decisions = [(r, i) for i, r in enumerate(records) if isinstance(r, Decision)]
            for one, (decision, i) in zip(asked, decisions, strict=True):
                before = added.positions[i - 1] if i else added.before
                self._decisions.settle([one.identity.id], before, [added.positions[i]])
                one.succeed(Decided(serving, decision))
        finally:
            for id in ids:
                self._under_way.pop(id, None)

    async def _taken(self, records: Sequence[Record]) -> list[Decision]:
        """Decisions that records say were not sent; looked up aside, as finding one in a batch takes a while."""
        ids = [
            record.decision_id
            for record in records
            if isinstance(record, Outcome) and record.type is OutcomeType.NOT_SENT and record.decision_id
        ]
        if not ids:
            return []
        ids.sort(key=itemgetter(_LATER_HALF))  # one batch's after the other's
        now = self._clock.now()
        return await asyncio.to_thread(lambda: [one for id in ids if (one := self._remembered(id, now)) is not None])

    def _give_back(self, serving: Serving, decisions: Sequence[Decision]) -> None:
        """What was not sent counts for no cap and costs nothing; once for each decision, while it is remembered."""
        for decision in decisions:
            if decision.campaign == serving.campaign.id and decision.is_send:
                id, at = bytes.fromhex(decision.id), decision.decided_at
                if self._decisions.give_back_once(id):
                    serving.restraint.undo([decision.user], [id], [at], [decision.arm])

    def _remembered(self, decision_id: str, now: datetime) -> Decision | None:
        """The decision, if it is at hand: what is still being written, or named wrongly, is not."""
        try:
            id = bytes.fromhex(decision_id)
            return self._decisions.find(id, now) or self._decisions.find_row(id, now)
        except (ValueError, Overloaded):
            return None

    def _fallback(self, serving: Serving, campaign: str, fallback: FallbackReport) -> Decision | Outcome | Asked | None:
        """The record of a client's safe answer; None where it is on record, or what is being written under its id.

        Where the server had decided after all, and only its answer came too late, the decision keeps its row and its
        propensity: that the client held back is an outcome, `not_sent`.
        """
        user = self._deciding.pseudonym(fallback.user)
        id = self._deciding.decision_id(campaign, fallback.request_id)
        under_way = self._under_way.get(id)
        if under_way is not None:
            return under_way
        earlier = self._decisions.find(id, fallback.decided_at)
        if earlier is not None and earlier.mode is Mode.FALLBACK and earlier.policy == CLIENT_SAFE_ANSWER:
            return None
        if earlier is not None:
            if earlier.arm == HOLD or self._outcomes.seen(f"{campaign}\0{id.hex()}-superseded"):
                return None
            return Outcome(
                id=f"{id.hex()}-superseded",
                campaign=campaign,
                type=OutcomeType.NOT_SENT,
                at=fallback.decided_at,
                decision_id=id.hex(),
                reason="client_timeout",
            )
        return _safe_answer(serving, campaign, id.hex(), user, fallback.decided_at)


def _outcome_keys(records: Sequence[Record]) -> list[str]:
    return [f"{record.campaign}\0{record.id}" for record in records if isinstance(record, Outcome)]


CLIENT_SAFE_ANSWER = "client_safe_answer"


def _safe_answer(serving: Serving, campaign: str, decision_id: str, user: str, at: datetime) -> Decision:
    """A hold that the client chose: it was the only thing it could do, so its propensity is 1."""
    return Decision(
        id=decision_id,
        campaign=campaign,
        user=user,
        decided_at=at,
        arm=HOLD,
        eligible=(HOLD,),
        counts=np.array([SCALE], dtype=np.uint32),
        chosen_count=SCALE,
        seed=0,
        context=Context(np.zeros(serving.campaign.schema.dimension, dtype=np.float32)),
        mode=Mode.FALLBACK,
        catalogue=serving.catalogue.digest,
        policy=CLIENT_SAFE_ANSWER,
        excluded=Exclusions.all_but_hold(serving.catalogue.ids, "server_away"),
    )
