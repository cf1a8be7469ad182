"""An ad server never waits: what the client does when its server is away, late or failing."""

import asyncio
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from engine.client import AsyncClient, Client, ClientOptions
from engine.core.decision import Mode
from engine.core.errors import InvalidInput, ResourceExhausted, Unavailable
from engine.core.outcome import Outcome, OutcomeType
from engine.pb.armsreach.v1 import delivery_pb2, delivery_pb2_grpc
from engine.pb.armsreach.v1 import types_pb2 as types
from engine.server.statuses import status_of


@pytest.fixture
def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield int(listening.getsockname()[1])


QUICK = ClientOptions(deadline_ms=80.0, report_every_s=0.1)


def seconds(act: Any) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


@pytest.mark.parametrize("kind", ["nothing_listens", "silence", "no_such_name"])
def test_safe_answer_in_bounded_time(kind: str, free_port: int, silent_port: int) -> None:
    target = {
        "nothing_listens": f"127.0.0.1:{free_port}",
        "silence": f"127.0.0.1:{silent_port}",
        "no_such_name": "no-such-host.invalid:443",
    }[kind]
    client = Client(target, QUICK)
    took = []
    for i in range(5):
        began = time.perf_counter()
        answer = client.decide("promo", f"u{i}", request_id=f"r{i}")
        took.append(time.perf_counter() - began)
        assert (answer.safe, answer.arm, answer.mode, answer.propensity) == (True, "hold", Mode.FALLBACK, 1.0)
        assert (answer.request_id, answer.decision_id, answer.is_send) == (f"r{i}", "", False)
    # The first call, with all of grpc's start, is bound by the same deadline; the rest is for a busy test machine.
    assert max(took) < 0.08 + 0.4
    assert client.waiting_fallbacks == 5
    assert seconds(lambda: client.close(within_s=0.2)) < 2.0


def test_safe_answers_are_reported_when_the_server_comes(start_server: Any, make_settings: Any, free_port: int) -> None:
    with Client(f"127.0.0.1:{free_port}", QUICK) as client:
        held = [client.decide("promo", f"u{i}", [0.0] * 4, request_id=f"held-{i}") for i in range(7)]
        assert all(answer.safe for answer in held)
        assert not client.flush(0.1)
        server = start_server(port=free_port)
        with Client(server.address, ClientOptions(deadline_ms=5_000.0)) as other:
            other.create_campaign(make_settings())
            ends = time.monotonic() + 10
            while client.waiting_fallbacks and time.monotonic() < ends:
                time.sleep(0.02)
            assert (client.waiting_fallbacks, client.lost_fallbacks) == (0, 0)
            assert client.connect(5)
            # The server now knows the ids: the same safe answers are duplicates, and no second decision is made.
            again = other.report([Outcome("c", "promo", OutcomeType.CLICK, datetime.now(UTC), user="u1")])
            assert again.accepted == 1
            retried = other.decide("promo", "u0", [0.0] * 4, request_id="held-0")
            assert (retried.arm, retried.mode, retried.propensity, retried.safe) == ("hold", Mode.FALLBACK, 1.0, False)
            with pytest.raises(InvalidInput, match="used before"):
                other.decide("promo", "u1", [0.0] * 4, request_id="held-0")
        answer = client.decide("promo", "u9", [0.0] * 4, deadline_ms=5_000)
        assert not answer.safe


def test_refused_safe_answers_do_not_block_the_others(server: Any, client: Client, free_port: int) -> None:
    away = Client(f"127.0.0.1:{free_port}", ClientOptions(deadline_ms=30.0, report_every_s=30.0))
    for user in ("u1", "", "u2"):
        away.decide("promo", user)
    away.decide("no-such-campaign", "u3")
    sent: list[tuple[str, str]] = []

    def deliver(campaign: str, reports: Any, within_s: float) -> None:
        client._report_fallbacks(campaign, reports, within_s)
        sent.extend((campaign, report.user) for report in reports)

    away._reporter._send = deliver
    assert away.flush(5.0)
    assert not len(away._fallbacks)
    assert sorted(sent) == [("promo", "u1"), ("promo", "u2")]
    assert (away.waiting_fallbacks, away.lost_fallbacks) == (0, 2)
    away.close(0.1)


def test_full_queue_loses_the_oldest_and_counts(free_port: int) -> None:
    client = Client(f"127.0.0.1:{free_port}", ClientOptions(deadline_ms=20.0, kept_fallbacks=3, report_every_s=30.0))
    for i in range(10):
        assert client.decide("promo", f"u{i}").safe
    assert client.waiting_fallbacks <= 4
    assert client.lost_fallbacks >= 6
    client.close(0.05)


def test_patient_calls_say_who_is_away(free_port: int) -> None:
    with Client(f"127.0.0.1:{free_port}", ClientOptions(patience_s=0.3)) as client:
        for call in (
            client.campaigns,
            lambda: client.create_campaign({"id": "x"}),
            lambda: list(client.decide_batch([])),
            lambda: client.report([Outcome("o", "promo", OutcomeType.CLICK, datetime.now(UTC), user="u")]),
        ):
            began = time.perf_counter()
            with pytest.raises(Unavailable, match=f"127.0.0.1:{free_port}"):
                call()
            assert time.perf_counter() - began < 1.5


async def test_async_safe_answer_and_its_report(start_server: Any, make_settings: Any, free_port: int) -> None:
    async with AsyncClient(f"127.0.0.1:{free_port}", QUICK) as client:
        began = time.perf_counter()
        answers = await asyncio.gather(*(client.decide("promo", f"u{i}") for i in range(50)))
        assert time.perf_counter() - began < 1.0
        assert all(answer.safe for answer in answers)
        assert client.waiting_fallbacks == 50
        server = await asyncio.to_thread(start_server, port=free_port)
        async with AsyncClient(server.address) as other:
            await other.create_campaign(make_settings())
        ends = time.monotonic() + 10
        while client.waiting_fallbacks and time.monotonic() < ends:
            await asyncio.sleep(0.02)
        assert (client.waiting_fallbacks, client.lost_fallbacks) == (0, 0)


class Troubled(delivery_pb2_grpc.DeliveryServicer):
    """A server that fails as told; what it counts shows what a client tried."""

    def __init__(self) -> None:
        self.plan: list[grpc.StatusCode | str | None] = []
        self.seen: list[str] = []
        self.reports = 0

    def ReportOutcomes(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.reports += 1
        context.abort_with_status(status_of(ResourceExhausted("full", retry_s=60.0)))

    def Decide(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.seen.append(request.request_id)
        step = self.plan.pop(0) if self.plan else None
        if step == "busy":
            context.abort_with_status(status_of(ResourceExhausted("full")))
        if isinstance(step, grpc.StatusCode):
            context.abort(step, "as told")
        return delivery_pb2.DecideResponse(
            arm="hold", decision_id="d", request_id=request.request_id, mode=types.MODE_LIVE
        )


@pytest.fixture
def troubled() -> Iterator[tuple[Troubled, str]]:
    servicer = Troubled()  # type: ignore[abstract]
    server = grpc.server(ThreadPoolExecutor(2))
    delivery_pb2_grpc.add_DeliveryServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_retries_keep_the_request_id(troubled: tuple[Troubled, str]) -> None:
    servicer, target = troubled
    servicer.plan = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE]
    with Client(target, ClientOptions(deadline_ms=2_000.0)) as client:
        answer = client.decide("promo", "u")
    assert not answer.safe
    assert servicer.seen == [answer.request_id] * 3


@pytest.mark.parametrize("step", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS])
def test_failures_of_the_server_are_not_retried_but_answered(
    troubled: tuple[Troubled, str], step: grpc.StatusCode
) -> None:
    servicer, target = troubled
    servicer.plan = [step]
    with Client(target, ClientOptions(deadline_ms=2_000.0, report_every_s=30.0)) as client:
        assert client.decide("promo", "u").safe
        assert len(servicer.seen) == 1
        client._fallbacks.take()


def test_retry_info_is_honoured_only_where_it_fits(troubled: tuple[Troubled, str]) -> None:
    servicer, target = troubled
    servicer.plan = ["busy", "busy"]
    options = ClientOptions(deadline_ms=300.0, report_every_s=30.0)
    with Client(target, options) as client:
        began = time.perf_counter()
        assert client.decide("promo", "u").safe, "the server asks for a second, which does not fit"
        assert time.perf_counter() - began < 0.9
        began = time.perf_counter()
        assert not client.decide("promo", "u", deadline_ms=4_000).safe
        assert time.perf_counter() - began > 0.9
        client._fallbacks.take()


async def test_refused_reports_wait_as_long_as_the_server_asks(troubled: tuple[Troubled, str]) -> None:
    servicer, target = troubled
    options = ClientOptions(deadline_ms=2_000.0, report_every_s=0.05)
    servicer.plan = [grpc.StatusCode.INTERNAL]
    with Client(target, options) as client:
        assert client.decide("promo", "u").safe
        await asyncio.sleep(0.2)
        for _ in range(50):
            assert not client.decide("promo", "u").safe  # tells the reporter that the server is there
            await asyncio.sleep(0.002)
        assert (servicer.reports, client.waiting_fallbacks) == (1, 1)
        client._fallbacks.take()
    servicer.plan = [grpc.StatusCode.INTERNAL]
    async with AsyncClient(target, options) as other:
        assert (await other.decide("promo", "u")).safe
        await asyncio.sleep(0.2)
        for _ in range(50):
            assert not (await other.decide("promo", "u")).safe
            await asyncio.sleep(0.002)
        assert (servicer.reports, other.waiting_fallbacks) == (2, 1)


def test_what_cannot_be_sent_is_refused_here(free_port: int) -> None:
    with Client(f"127.0.0.1:{free_port}") as client:
        for arguments, field in (
            ({"at": datetime(2026, 1, 1)}, "at"),
            ({"channels": "email"}, "channels"),
            ({"attributes": {"age": [1]}}, "attributes.age"),
            ({"embedding": ["a"]}, "request"),
        ):
            with pytest.raises(InvalidInput) as caught:
                client.decide("promo", "u", **arguments)
            assert caught.value.field == field
        assert client.waiting_fallbacks == 0
        assert client.decide("promo", "u", at=datetime.now(UTC) - timedelta(days=1)).safe
        client._fallbacks.take()
