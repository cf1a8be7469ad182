"""A typed client for ad servers and campaign services: it answers within its deadline, whatever the server does."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
import numpy as np

from engine.calling import calls, messages
from engine.calling.answer import Answer
from engine.calling.async_client import AsyncClient
from engine.calling.attempts import Attempts
from engine.calling.batch import Batch, BatchAnswer
from engine.calling.call import Call
from engine.calling.campaign_state import CampaignState
from engine.calling.channels import metadata_of, open_channel
from engine.calling.explained import Explained
from engine.calling.failure import failure_of
from engine.calling.fallbacks import Fallbacks
from engine.calling.feed import Feed
from engine.calling.options import ClientOptions
from engine.calling.reporter import Reporter
from engine.calling.snapshot_state import ShareState, SnapshotState
from engine.core.errors import ArmsreachError, CallerError, FailedPrecondition, Unavailable
from engine.core.feature import Scalar
from engine.core.outcome import Outcome
from engine.core.variant import Variant, VariantState
from engine.pb.armsreach.v1 import delivery_pb2
from engine.service.requests import FallbackReport, Recorded

__all__ = [
    "Answer",
    "AsyncClient",
    "Batch",
    "BatchAnswer",
    "CampaignState",
    "Client",
    "ClientOptions",
    "Explained",
    "ShareState",
    "SnapshotState",
]

A = TypeVar("A")

_MANY = 1_000_000
"""Retries of patient calls end with their time, not with a count."""


class Client:
    """Asks one server; safe to use from several threads.

    `decide` never raises because a server is away, late or failing: it then answers `hold`, and reports that to the
    server once it is back, so that the log knows of it. What the caller got wrong is raised.
    """

    def __init__(self, target: str, options: ClientOptions | None = None) -> None:
        """Make a client; nothing connects yet.

        Args:
            target: `host:port`, or any other address grpc knows.
            options: Times and bounds.
        """
        self.target = target
        self.options = options or ClientOptions()
        self._channel = open_channel(target, self.options)
        self._metadata = metadata_of(self.options)
        self._methods: dict[str, Any] = {}
        self._closed = False
        self._fallbacks = Fallbacks(self.options.kept_fallbacks)
        self._reporter = Reporter(self._fallbacks, self._report_fallbacks, self.options.report_every_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def waiting_fallbacks(self) -> int:
        """Safe answers that the server is not known to have heard of."""
        return len(self._fallbacks)

    @property
    def lost_fallbacks(self) -> int:
        """Safe answers that the server will never hear of: the queue was full, or the server refused them."""
        return self._fallbacks.dropped + self._fallbacks.refused

    def connect(self, within_s: float = 5.0) -> bool:
        """Wait for the connection, so that the first `decide` finds it made; whether it is."""
        try:
            grpc.channel_ready_future(self._channel).result(within_s)
        except grpc.FutureTimeoutError:
            return False
        return True

    def close(self, within_s: float = 1.0) -> None:
        """Report what still waits, as far as that goes within a time, and let the connection go."""
        self._reporter.close(within_s)
        self._closed = True
        self._channel.close()

    def flush(self, within_s: float = 5.0) -> bool:
        """Report waiting safe answers now; whether none waits any more."""
        return self._reporter.flush(within_s)

    def decide(
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
        """Decide for one shopper, within the deadline.

        Args:
            campaign: Campaign id.
            user: The shopper's id.
            embedding: Shape (d,), finite, as the campaign's schema has it.
            attributes: Flat values under the schema; `None` counts as absent.
            consents: Channels the shopper agreed to.
            request_id: The same id gives the same decision; left out, the client makes one.
            channels: Channels to narrow to; empty for all.
            slots: Slots to narrow to.
            variants: Variants to narrow to.
            at: Time of the decision; believed only under a client clock.
            time_zone: The shopper's IANA zone, such as `Europe/Berlin`; empty for the campaign's.
            top_k: How many probabilities to return.
            deadline_ms: Instead of the one in the options.

        Returns:
            The server's decision, or the safe answer.

        Raises:
            CallerError: If the request is wrong; `InvalidInput` names the field.
        """
        request = messages.decide_request(
            campaign, user, embedding, attributes, consents=consents, request_id=request_id or uuid.uuid4().hex,
            channels=channels, slots=slots, variants=variants, at=at, time_zone=time_zone, top_k=top_k,
        )  # fmt: skip
        if self._closed:
            raise FailedPrecondition("this client is closed; make a new one")
        budget_s = (self.options.deadline_ms if deadline_ms is None else deadline_ms) / 1e3
        try:
            answer = self._ask(calls.decide(request), budget_s, self.options.decide_retries)
        except CallerError:
            raise
        except ArmsreachError:
            report = FallbackReport(request.request_id, user, at or datetime.now(UTC))
            self._reporter.add(campaign, report)
            return Answer.safely(request.request_id)
        self._reporter.server_is_back()
        return answer

    def decide_batch(self, batches: Iterable[Batch]) -> Iterator[BatchAnswer]:
        """Decide for many shoppers; answers come in the order of the batches, while later batches are under way.

        There are no safe answers here: who sends batches has time to send them again, under the same request ids.

        Raises:
            CallerError: If a batch is wrong; those answered before are decided.
            Unavailable: If the server is away.
        """
        feed = Feed()
        ask: Any = self._channel.stream_stream(
            calls.BATCH_PATH,
            request_serializer=delivery_pb2.DecideBatchRequest.SerializeToString,
            response_deserializer=delivery_pb2.DecideBatchResponse.FromString,
        )
        stream = ask(feed.messages(batches), metadata=self._metadata)
        try:
            for message in stream:
                yield messages.batch_answer(message)
        except grpc.RpcError as error:
            feed.check()
            raise failure_of(error, self.target).error from error
        finally:
            stream.cancel()
        feed.check()

    def report(self, outcomes: Iterable[Outcome]) -> Recorded:
        """Report outcomes, of any campaigns; a second report of an outcome id changes nothing, so this retries.

        Raises:
            CallerError: If an outcome is wrong; it names the place in the list.
            Overloaded: If the server is away for longer than the client is patient.
        """
        recorded = [self._patiently(call) for call in calls.report(outcomes)]
        return Recorded(sum(r.accepted for r in recorded), sum(r.duplicates for r in recorded))

    def explain(self, decision_id: str, *, campaign: str = "", arms: int = 3) -> Explained:
        """Why a decision came out as it did, while the server remembers it.

        Raises:
            NotFound: If it does not.
        """
        return self._patiently(calls.explain(None, decision_id, campaign, arms))

    def explain_request(self, campaign: str, user: str, *what: Any, arms: int = 3, **more: Any) -> Explained:
        """What a request would be decided from; takes what `decide` takes. Nothing is drawn or recorded."""
        request = messages.decide_request(campaign, user, *what, **more)
        return self._patiently(calls.explain(request, "", campaign, arms))

    def create_campaign(self, settings: Mapping[str, Any]) -> CampaignState:
        """Store a new campaign, in the keys of a campaign's TOML file."""
        return self._patiently(calls.create_campaign(settings))

    def update_campaign(self, campaign: str, settings: Mapping[str, Any], expected_revision: int = 0) -> CampaignState:
        """Change a campaign's settings; with a revision, only if nobody else has changed it since."""
        return self._patiently(calls.update_campaign(campaign, settings, expected_revision))

    def campaign(self, campaign: str) -> CampaignState:
        """One campaign."""
        return self._patiently(calls.campaign(campaign))

    def campaigns(self) -> list[CampaignState]:
        """Every campaign."""
        return self._patiently(calls.campaigns())

    def put_variants(self, campaign: str, variants: Iterable[Variant]) -> CampaignState:
        """Add copy, or replace copy of the same ids."""
        return self._patiently(calls.put_variants(campaign, variants))

    def set_variant_state(self, campaign: str, variant: str, state: VariantState | str) -> CampaignState:
        """Approve, pause or kill copy; on return no new decision of this server sends what may not be sent."""
        return self._patiently(calls.set_variant_state(campaign, variant, VariantState(state)))

    def snapshots(self, campaign: str) -> list[SnapshotState]:
        """Every snapshot of a campaign, oldest first."""
        return self._patiently(calls.snapshots(campaign))

    def snapshot(self, campaign: str, version: str = "") -> SnapshotState:
        """One snapshot; the champion where none is named."""
        return self._patiently(calls.snapshot(campaign, version))

    def promote(self, campaign: str, version: str) -> SnapshotState:
        """Make a snapshot the champion, whatever its age."""
        return self._patiently(calls.promote(campaign, version))

    def roll_back(self, campaign: str, version: str = "") -> SnapshotState:
        """Back to the champion before, or to the one named."""
        return self._patiently(calls.roll_back(campaign, version))

    def shares(self, campaign: str) -> ShareState:
        """Shares of control and holdout users."""
        return self._patiently(calls.shares(campaign))

    def set_shares(self, campaign: str, *, control: float | None = None, holdout: float | None = None) -> ShareState:
        """Change the shares of control and holdout users; what is left out stays."""
        return self._patiently(calls.set_shares(campaign, control, holdout))

    def _report_fallbacks(self, campaign: str, reports: Sequence[FallbackReport], within_s: float) -> None:
        self._ask(calls.report_fallbacks(campaign, reports), within_s, _MANY)

    def _patiently(self, call: Call[A]) -> A:
        return self._ask(call, self.options.patience_s, _MANY)

    def _ask(self, call: Call[A], budget_s: float, retries: int) -> A:
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
                return call.read(method(call.request, timeout=attempts.remaining_s, metadata=self._metadata))
            except ValueError as error:
                # grpc's word for a closed channel; the reporter's thread may come upon it.
                if not self._closed:
                    raise
                raise Unavailable("this client is closed; make a new one") from error
            except grpc.RpcError as error:
                time.sleep(attempts.delay_s(error, repeatable=call.repeatable))
