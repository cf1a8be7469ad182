"""What an ad server asks: decide, and record what came of it. An answer is given once the record is durable."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from engine.core.decision import Decision
from engine.core.decision_block import DecisionBlock
from engine.core.errors import NotFound, RequestIdConflict, Unavailable
from engine.journal import Added
from engine.service.asked import Asked, all_of
from engine.service.batch_decided import BatchDecided
from engine.service.batch_request import BatchRequest
from engine.service.decided import Decided
from engine.service.deciding import Deciding, Identity, Prepared
from engine.service.delivery_ports import DeliveryClock, DurableLog
from engine.service.delivery_watch import DeliveryWatch, NoDeliveryWatch
from engine.service.drawn_block import undo, without
from engine.service.frequency import no_room
from engine.service.gathering import Gathering
from engine.service.outcome_memory import OutcomeMemory
from engine.service.reporting import Reporting
from engine.service.request_memory import RequestMemory
from engine.service.requests import DecideRequest, OutcomeReport, Recorded
from engine.service.serving import Serving

log = logging.getLogger(__name__)


class Delivery:
    """Decides and records, for all campaigns of one worker.

    Requests that arrive close to each other are drawn together and written together (see `Gathering`); so a busy
    server does its arithmetic for many shoppers at once, and a quiet one waits for nobody.
    """

    def __init__(
        self,
        deciding: Deciding,
        servings: Mapping[str, Serving],
        log: DurableLog,
        clock: DeliveryClock,
        decisions: RequestMemory,
        outcomes: OutcomeMemory,
        watch: DeliveryWatch | None = None,
    ) -> None:
        self.deciding = deciding
        self._servings = servings
        self._log = log
        self._clock = clock
        self._decisions = decisions
        self._watch: DeliveryWatch = watch or NoDeliveryWatch()
        self._under_way: dict[bytes, Asked] = {}
        self._batches: set[bytes] = set()
        self._reporting = Reporting(deciding, log, clock, decisions, outcomes, self._under_way, self._watch)
        self._gathered: list[Asked] = []
        self._gathered_s = 0.0
        self._gathering = Gathering(self._decide_gathered)

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
        """A recent decision, as long as request ids are remembered; one of a batch, where that came with an id."""
        try:
            id, now = bytes.fromhex(decision_id), self._clock.now()
            return self._decisions.find(id, now) or self._decisions.find_row(id, now)
        except ValueError:
            return None

    async def decide(self, request: DecideRequest) -> Decision:
        """Decide for one shopper; see `answer`."""
        decided = await self.answer(request)
        return decided.decision

    async def answer(self, request: DecideRequest) -> Decided:
        """Decide for one shopper; the decision is durable on return.

        A request id seen before gives the decision of then. Without one, every call decides anew.

        Raises:
            NotFound: If the campaign does not exist.
            InvalidInput: Naming the field that is wrong; nothing is decided then.
            RequestIdConflict: If the request id comes with another body.
            ResourceExhausted: If too many recent decisions are remembered.
            Unavailable: If another worker is deciding this very request.
        """
        asked = self._ask(request)
        if isinstance(asked, Decided):
            return asked
        return await asked.wait()

    async def decide_many(self, requests: Sequence[DecideRequest]) -> list[Decision]:
        """Decide for shoppers of one campaign; all are durable on return.

        Requests without an id cannot be asked for again, and are not remembered.

        Raises:
            NotFound: If the campaign does not exist.
            InvalidInput: Naming the field that is wrong; nothing is decided then.
            RequestIdConflict: If a request id comes with another body.
            ResourceExhausted: If too many recent decisions are remembered.
        """
        if not requests:
            return []
        serving = self.serving(requests[0].campaign)
        made: list[Decided | Asked] = []
        new: list[Asked] = []
        try:
            for request in requests:
                asked = self._known(request, serving)
                if isinstance(asked, Asked) and asked.identity.id not in self._under_way:
                    self._under_way[asked.identity.id] = asked
                    new.append(asked)
                made.append(asked)
            if new:
                began_s = time.perf_counter()
                prepared = [self.deciding.prepare(serving, one.request, one.identity, one.at) for one in new]
                block, refused = self.deciding.draw(serving, prepared, serving.restraint)
                if refused or block is None:
                    undo(serving.restraint, block)
                    raise no_room()
                self._write_block(new, block, serving, "DecideBatch", 0.0, began_s)
        except BaseException as error:
            for one in new:
                self._under_way.pop(one.identity.id, None)
                one.fail(error)
            raise
        waiting = {id(one): one.wait() for one in made if isinstance(one, Asked)}
        await all_of(waiting.values())
        return [one.decision if isinstance(one, Decided) else waiting[id(one)].result().decision for one in made]

    async def decide_batch(self, batch: BatchRequest) -> BatchDecided:
        """Decide for many shoppers of one campaign; see `begin_batch`."""
        begun = self.begin_batch(batch)
        await begun.durable
        return begun

    def begin_batch(self, batch: BatchRequest) -> BatchDecided:
        """Decide for many shoppers of one campaign; durable, and to be told of, once its `durable` is done.

        With a request id, the batch is remembered as a whole: sent again, it gets the decisions of then.

        Raises:
            NotFound: If the campaign does not exist.
            InvalidInput: Naming the field that is wrong; nothing is decided then.
            RequestIdConflict: If the request id comes with another batch.
            ResourceExhausted: If too many recent decisions are remembered.
            Unavailable: If this very batch is being decided.
        """
        serving = self.serving(batch.campaign)
        name = batch.request_id or uuid.uuid4().hex
        id = self.deciding.batch_id(batch.campaign, name)
        if batch.request_id:
            if id in self._batches:
                raise Unavailable("request_id: this batch is being decided at this moment; try again")
            if (earlier := self._decisions.find_many(id, self._clock.now())) is not None:
                return self._batch_again(serving, batch, name, earlier)
        at = self._clock.deciding_at(batch.at)
        began_s = time.perf_counter()
        block = self.deciding.draw_batch(serving, batch, name, at, serving.restraint)
        try:
            if batch.request_id:
                for error in self._decisions.remember([id], block, at).values():
                    raise error
                self._batches.add(id)
            added = self._log.add_block(block, at, id if batch.request_id else b"")
        except BaseException:
            undo(serving.restraint, block)
            if id in self._batches:
                self._settle_batch(id, True, None, Unavailable("nothing was written"))
            raise
        handed_s = time.perf_counter()
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def settle(done: asyncio.Future[None]) -> None:
            error = _error_of(done)
            self._settle_batch(id, bool(batch.request_id), added, error)
            if error is not None:
                undo(serving.restraint, block)
            if not durable.done():
                durable.set_result(None) if error is None else durable.set_exception(error)
            if error is None:
                self._watch.committed(len(block), "DecideBatch", time.perf_counter() - handed_s)
            else:
                self._watch.failed(len(block))

        added.durable.add_done_callback(settle)
        self._tell(block, serving, "DecideBatch", 0.0, handed_s - began_s)
        return BatchDecided(serving, block, durable)

    def _settle_batch(self, id: bytes, named: bool, added: Added | None, error: BaseException | None) -> None:
        if not named:
            return
        self._batches.discard(id)
        if error is None and added is not None:
            self._decisions.settle([id], added.before, added.positions)
        else:
            self._decisions.forget([id])

    def _batch_again(
        self, serving: Serving, batch: BatchRequest, name: str, earlier: Sequence[Decision]
    ) -> BatchDecided:
        """The decisions of then, in the order of the users."""
        by_id = {decision.id: decision for decision in earlier}
        ids = [id.hex() for id in self.deciding.row_ids(batch.campaign, name, len(batch))]
        if len(by_id) != len(ids) or any(id not in by_id or by_id[id].body_digest != batch.digest.hex() for id in ids):
            raise _conflict()
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        durable.set_result(None)
        return BatchDecided(serving, [by_id[id] for id in ids], durable)

    def _ask(self, request: DecideRequest) -> Decided | Asked:
        """Take a request up for the next turn, unless it was decided before or is being decided."""
        asked = self._known(request, self.serving(request.campaign))
        if isinstance(asked, Asked) and asked.identity.id not in self._under_way:
            self._under_way[asked.identity.id] = asked
            if not self._gathered:
                self._gathered_s = time.perf_counter()
            self._gathered.append(asked)
            self._gathering.add()
        return asked

    def _known(self, request: DecideRequest, serving: Serving) -> Decided | Asked:
        if not request.request_id:
            request = replace(request, request_id=uuid.uuid4().hex)
        identity = self.deciding.identify(request)
        under_way = self._under_way.get(identity.id)
        if under_way is not None:
            if not under_way.is_of(identity):
                raise _conflict()
            return under_way
        at = self._clock.deciding_at(request.at)
        earlier = self._decisions.find(identity.id, at)
        if earlier is not None:
            require_same_body(earlier, identity)
            return Decided(serving, earlier)
        return Asked(request, identity, at)

    def _decide_gathered(self) -> None:
        """Decide all that were asked in this turn, each campaign's together; a wrong request fails alone."""
        gathered, self._gathered = self._gathered, []
        began_s = time.perf_counter()
        queued_s = began_s - self._gathered_s
        by_campaign: dict[str, tuple[Serving, list[Asked], list[Prepared]]] = {}
        for asked in gathered:
            try:
                serving = self.serving(asked.request.campaign)
                prepared = self.deciding.prepare(serving, asked.request, asked.identity, asked.at)
            except Exception as error:
                self._under_way.pop(asked.identity.id, None)
                asked.fail(error)
            else:
                _, several, ready = by_campaign.setdefault(serving.campaign.id, (serving, [], []))
                several.append(asked)
                ready.append(prepared)
        for serving, several, ready in by_campaign.values():
            try:
                block, refused = self.deciding.draw(serving, ready, serving.restraint)
                for i in reversed(refused):
                    self._under_way.pop(several[i].identity.id, None)
                    several.pop(i).fail(no_room())
                if block is not None:
                    self._write_block(several, block, serving, "Decide", queued_s, began_s)
            except Exception as error:
                for asked in several:
                    self._under_way.pop(asked.identity.id, None)
                    asked.fail(error)

    def _write_block(
        self,
        asked: Sequence[Asked],
        block: DecisionBlock,
        serving: Serving,
        method: str,
        queued_s: float,
        began_s: float,
    ) -> None:
        """Journal decisions; their futures are done once they are durable.

        Those whose ids cannot be taken up fail alone, but for batches, which are decided whole or not at all.
        """
        at = max(block.at)
        refused = self._decisions.remember(block.ids, block, at)
        if refused and method == "DecideBatch":
            self._decisions.forget([id for i, id in enumerate(block.ids) if i not in refused])
            undo(serving.restraint, block)
            raise next(iter(refused.values()))
        if refused:
            undo(serving.restraint, without(block, set(range(len(block))) - refused.keys())[0])
            for i, error in refused.items():
                self._under_way.pop(asked[i].identity.id, None)
                asked[i].fail(error)
            asked = [one for i, one in enumerate(asked) if i not in refused]
            kept, _ = without(block, refused.keys())
            if kept is None:
                return
            block = kept
        try:
            added = self._log.add(block, at)
        except BaseException:
            self._decisions.forget(block.ids)
            undo(serving.restraint, block)
            raise
        handed_s = time.perf_counter()

        def settle(durable: asyncio.Future[None]) -> None:
            error = _error_of(durable)
            if error is None:
                self._decisions.settle(block.ids, added.before, added.positions)
            else:
                self._decisions.forget(block.ids)
                undo(serving.restraint, block)
            for i, one in enumerate(asked):
                self._under_way.pop(one.identity.id, None)
                if error is not None:
                    one.fail(error)
                else:
                    one.succeed(Decided(serving, None, block, i))
            if error is None:
                self._watch.committed(len(asked), method, time.perf_counter() - handed_s)
            else:
                self._watch.failed(len(asked))

        added.durable.add_done_callback(settle)
        self._tell(block, serving, method, queued_s, handed_s - began_s)

    def _tell(self, block: DecisionBlock, serving: Serving, method: str, queued_s: float, decide_s: float) -> None:
        """Count what is on its way already, whatever becomes of the counting."""
        try:
            self._watch.decided(block, serving, method, queued_s, decide_s)
        except Exception:
            log.exception("decisions were not counted")

    async def report(self, report: OutcomeReport) -> Recorded:
        """Record outcomes and the client's safe answers; see `Reporting`."""
        return await self._reporting.report(self.serving(report.campaign), report)


def require_same_body(decision: Decision, identity: Identity) -> None:
    """Refuse a request id that comes back with another body.

    A safe answer that a client reported has no body but its user: asking again under its id gives that answer.

    Raises:
        RequestIdConflict: Naming the field `request_id`.
    """
    digest = decision.body_digest
    if not (digest == identity.digest.hex() if digest else decision.user == identity.user):
        raise _conflict()


def _conflict() -> RequestIdConflict:
    return RequestIdConflict(
        "this id was used before with another body; use a new id for a new decision", field="request_id"
    )


def _error_of(done: asyncio.Future[None]) -> BaseException | None:
    return Unavailable("the server is stopping") if done.cancelled() else done.exception()
