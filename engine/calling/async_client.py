"""The client for asyncio programs."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
import numpy as np

from engine.calling import calls, messages
from engine.calling.answer import Answer
from engine.calling.attempts import Attempts
from engine.calling.batch import Batch, BatchAnswer
from engine.calling.call import Call
from engine.calling.campaign_state import CampaignState
from engine.calling.channels import metadata_of, open_async_channel
from engine.calling.explained import Explained
from engine.calling.failure import failure_of
from engine.calling.fallbacks import Fallbacks
from engine.calling.feed import Feed
from engine.calling.options import ClientOptions
from engine.calling.snapshot_state import ShareState, SnapshotState
from engine.core.errors import ArmsreachError, CallerError, Refused
from engine.core.feature import Scalar
from engine.core.outcome import Outcome
from engine.core.variant import Variant, VariantState
from engine.pb.armsreach.v1 import delivery_pb2
from engine.service.requests import FallbackReport, Recorded

A = TypeVar("A")

_MANY = 1_000_000
_ATTEMPT_S = 0.5


class AsyncClient:
    """Asks one server, within one event loop; else it is as `Client`, where each call is described."""

    def __init__(self, target: str, options: ClientOptions | None = None) -> None:
        """Make a client, inside a running event loop; nothing connects yet."""
        self.target = target
        self.options = options or ClientOptions()
        self._channel = open_async_channel(target, self.options)
        self._metadata = metadata_of(self.options)
        self._methods: dict[str, Any] = {}
        self._fallbacks = Fallbacks(self.options.kept_fallbacks)
        self._sending = asyncio.Lock()
        self._wake = asyncio.Event()
        self._reporting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def waiting_fallbacks(self) -> int:
        """Safe answers that the server is not known to have heard of."""
        return len(self._fallbacks)

    @property
    def lost_fallbacks(self) -> int:
        """Safe answers that the server will never hear of."""
        return self._fallbacks.dropped + self._fallbacks.refused

    async def connect(self, within_s: float = 5.0) -> bool:
        """Wait for the connection; whether it is made."""
        try:
            await asyncio.wait_for(self._channel.channel_ready(), within_s)
        except TimeoutError:
            return False
        return True

    async def close(self, within_s: float = 1.0) -> None:
        """Report what still waits, as far as that goes within a time, and let the connection go."""
        if self._reporting is not None:
            self._reporting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reporting
        if len(self._fallbacks):
            await self.flush(within_s)
        await self._channel.close(None)

    async def flush(self, within_s: float = 5.0) -> bool:
        """Report waiting safe answers now; whether none waits any more."""
        async with self._sending:
            try:
                while (taken := self._fallbacks.take()) is not None:
                    await self._deliver(*taken, within_s)
            except ArmsreachError:
                return False
        return not len(self._fallbacks)

    async def decide(
        self,
        campaign: str,
        user: str,
        embedding: Sequence[float] | np.ndarray = (),
        attributes: Mapping[str, Scalar | None] | None = None,
        *,
        consents: Iterable[str] = (),
        request_id: str | None = None,
        channels: Iterable[str] = (),
        slots: Iterable[str] = (),
        variants: Iterable[str] = (),
        at: datetime | None = None,
        time_zone: str = "",
        top_k: int = 1,
        deadline_ms: float | None = None,
    ) -> Answer:
        """Decide for one shopper, within the deadline; the safe answer where the server is away or late.

        Raises:
            CallerError: If the request is wrong; `InvalidInput` names the field.
        """
        request = messages.decide_request(
            campaign, user, embedding, attributes, consents=consents, request_id=request_id or uuid.uuid4().hex,
            channels=channels, slots=slots, variants=variants, at=at, time_zone=time_zone, top_k=top_k,
        )  # fmt: skip
        budget_s = (self.options.deadline_ms if deadline_ms is None else deadline_ms) / 1e3
        try:
            answer = await self._ask(calls.decide(request), budget_s, self.options.decide_retries)
        except CallerError:
            raise
        except ArmsreachError:
            self._held(campaign, FallbackReport(request.request_id, user, at or datetime.now(UTC)))
            return Answer.safely(request.request_id)
        if self._fallbacks.are_due:
            self._wake.set()
        return answer

    async def decide_batch(self, batches: Iterable[Batch] | AsyncIterable[Batch]) -> AsyncIterator[BatchAnswer]:
        """Decide for many shoppers; answers come in the order of the batches.

        Raises:
            CallerError: If a batch is wrong; those answered before are decided.
            Unavailable: If the server is away.
        """
        feed = Feed()
        ask = self._channel.stream_stream(
            calls.BATCH_PATH,
            request_serializer=delivery_pb2.DecideBatchRequest.SerializeToString,
            response_deserializer=delivery_pb2.DecideBatchResponse.FromString,
        )
        stream = ask(feed.async_messages(batches), metadata=self._metadata)
        try:
            async for message in stream:
                yield messages.batch_answer(message)
        except grpc.RpcError as error:
            feed.check()
            raise failure_of(error, self.target).error from error
        finally:
            stream.cancel()
        feed.check()

    async def report(self, outcomes: Iterable[Outcome]) -> Recorded:
        """Report outcomes, of any campaigns; retried, as outcome ids count once."""
        recorded = [await self._patiently(call) for call in calls.report(outcomes)]
        return Recorded(sum(r.accepted for r in recorded), sum(r.duplicates for r in recorded))

    async def explain(self, decision_id: str, *, campaign: str = "", arms: int = 3) -> Explained:
        """Why a decision came out as it did, while the server remembers it."""
        return await self._patiently(calls.explain(None, decision_id, campaign, arms))

    async def explain_request(self, campaign: str, user: str, *what: Any, arms: int = 3, **more: Any) -> Explained:
        """What a request would be decided from; takes what `decide` takes."""
        request = messages.decide_request(campaign, user, *what, **more)
        return await self._patiently(calls.explain(request, "", campaign, arms))

    async def create_campaign(self, settings: Mapping[str, Any]) -> CampaignState:
        """Store a new campaign."""
        return await self._patiently(calls.create_campaign(settings))

    async def update_campaign(
        self, campaign: str, settings: Mapping[str, Any], expected_revision: int = 0
    ) -> CampaignState:
        """Change a campaign's settings."""
        return await self._patiently(calls.update_campaign(campaign, settings, expected_revision))

    async def campaign(self, campaign: str) -> CampaignState:
        """One campaign."""
        return await self._patiently(calls.campaign(campaign))

    async def campaigns(self) -> list[CampaignState]:
        """Every campaign."""
        return await self._patiently(calls.campaigns())

    async def put_variants(self, campaign: str, variants: Iterable[Variant]) -> CampaignState:
        """Add copy, or replace copy of the same ids."""
        return await self._patiently(calls.put_variants(campaign, variants))

    async def set_variant_state(self, campaign: str, variant: str, state: VariantState | str) -> CampaignState:
        """Approve, pause or kill copy."""
        return await self._patiently(calls.set_variant_state(campaign, variant, VariantState(state)))

    async def snapshots(self, campaign: str) -> list[SnapshotState]:
        """Every snapshot of a campaign, oldest first."""
        return await self._patiently(calls.snapshots(campaign))

    async def snapshot(self, campaign: str, version: str = "") -> SnapshotState:
        """One snapshot; the champion where none is named."""
        return await self._patiently(calls.snapshot(campaign, version))

    async def promote(self, campaign: str, version: str) -> SnapshotState:
        """Make a snapshot the champion."""
        return await self._patiently(calls.promote(campaign, version))

    async def roll_back(self, campaign: str, version: str = "") -> SnapshotState:
        """Back to the champion before, or to the one named."""
        return await self._patiently(calls.roll_back(campaign, version))

    async def shares(self, campaign: str) -> ShareState:
        """Shares of control and holdout users."""
        return await self._patiently(calls.shares(campaign))

    async def set_shares(
        self, campaign: str, *, control: float | None = None, holdout: float | None = None
    ) -> ShareState:
        """Change the shares of control and holdout users."""
        return await self._patiently(calls.set_shares(campaign, control, holdout))

    def _held(self, campaign: str, report: FallbackReport) -> None:
        """Queue a safe answer, to be reported by a task that starts with the first of them."""
        if not len(self._fallbacks):
            self._wake.set()
        self._fallbacks.add(campaign, report)
        if self._reporting is None:
            self._reporting = asyncio.get_running_loop().create_task(self._keep_reporting())

    async def _keep_reporting(self) -> None:
        rest_s = self.options.report_every_s
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._fallbacks.rest_s(rest_s))
            self._wake.clear()
            await self.flush(min(rest_s, _ATTEMPT_S))

    async def _deliver(self, campaign: str, reports: list[FallbackReport], within_s: float) -> None:
        """Send reports; where the server refuses them, halve until the bad one stands alone."""
        try:
            await self._ask(calls.report_fallbacks(campaign, reports), within_s, _MANY)
        except Refused as error:  # not for what they say; with another token they may be taken
            self._fallbacks.put_back(campaign, reports, error)
            raise
        except CallerError:
            if len(reports) == 1:
                self._fallbacks.done(reports, refused=True)
                return
        except BaseException as error:
            self._fallbacks.put_back(campaign, reports, error)
            raise
        else:
            self._fallbacks.done(reports)
            return
        first, second = reports[: len(reports) // 2], reports[len(reports) // 2 :]
        try:
            await self._deliver(campaign, first, within_s)
        except BaseException as error:
            self._fallbacks.put_back(campaign, second, error)
            raise
        await self._deliver(campaign, second, within_s)

    async def _patiently(self, call: Call[A]) -> A:
        return await self._ask(call, self.options.patience_s, _MANY)

    async def _ask(self, call: Call[A], budget_s: float, retries: int) -> A:
        method = self._methods.get(call.path)
        if method is None:
            method = self._methods[call.path] = self._channel.unary_unary(
                call.path,
                request_serializer=type(call.request).SerializeToString,
                response_deserializer=call.response.FromString,
            )
        attempts = Attempts(budget_s, retries, self.target)
        while True:
            try:
                return call.read(await method(call.request, timeout=attempts.remaining_s, metadata=self._metadata))
            except grpc.RpcError as error:
                await asyncio.sleep(attempts.delay_s(error, repeatable=call.repeatable))
