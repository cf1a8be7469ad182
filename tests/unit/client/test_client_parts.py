"""The parts of the client that need no network: what it sends is what the server reads."""

import time
from datetime import UTC, datetime
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calling import messages
from engine.calling.failure import Failure, failure_of
from engine.calling.fallbacks import CHUNK, Fallbacks
from engine.client import Answer, Batch, ClientOptions
from engine.core.errors import InvalidInput, ResourceExhausted, Unavailable
from engine.core.outcome import Outcome, OutcomeType
from engine.core.reading import read
from engine.core.variant import Variant
from engine.pb.armsreach.v1 import delivery_pb2
from engine.server import codec
from engine.server.batch_codec import batch_requests
from engine.server.campaigns_codec import variant as read_variant
from engine.service.requests import FallbackReport

AT = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)
finite = st.floats(-1e6, 1e6, width=32)
scalars = st.text(max_size=5) | st.booleans() | st.floats(-1e9, 1e9)


@given(
    embedding=st.lists(finite, max_size=6),
    attributes=st.dictionaries(st.text(min_size=1, max_size=5), scalars | st.none(), max_size=4),
    consents=st.sets(st.sampled_from(["email", "sms"])),
    user=st.text(min_size=1, max_size=9),
)
def test_the_server_reads_what_decide_sends(
    embedding: list[float], attributes: dict[str, str | float | bool | None], consents: set[str], user: str
) -> None:
    sent = messages.decide_request(
        "c",
        user,
        np.array(embedding),
        attributes,
        consents=consents,
        request_id="r",
        slots=("now",),
        at=AT,
        time_zone="Asia/Tokyo",
    )
    got = codec.decide_request(delivery_pb2.DecideRequest.FromString(sent.SerializeToString()))
    assert (got.campaign, got.user, got.request_id, got.slots, got.at) == ("c", user, "r", ("now",), AT)
    assert got.context.embedding.tolist() == np.array(embedding, dtype=np.float32).tolist()
    assert got.context.attributes == {name: value for name, value in attributes.items() if value is not None}
    assert set(got.context.consents or ()) == consents
    assert got.time_zone == "Asia/Tokyo"


def test_numpy_values_are_scalars() -> None:
    sent = messages.decide_request("c", "u", (), {"a": np.float32(1.5), "b": np.int64(2), "c": np.bool_(True)})  # type: ignore[dict-item]
    assert codec.decide_request(sent).context.attributes == {"a": 1.5, "b": 2.0, "c": True}


def test_a_batch_says_what_single_requests_say() -> None:
    embeddings = np.arange(6, dtype=np.float64).reshape(3, 2) / 7
    batch = Batch(
        "c",
        ["u", "v", "w"],
        embeddings,
        {"age": [3, None, 4.5], "segment": ["new", None, "old"], "member": [None, True, False], "gone": [None] * 3},
        request_ids=["1", "2", "3"],
        consents=("email",),
        consent_columns={"sms": np.array([True, False, True])},
        at=AT,
    )
    read_back = batch_requests(messages.batch_request(batch), 2)
    attributes: list[dict[str, Any]] = [
        {"age": 3.0, "segment": "new"},
        {"member": True},
        {"age": 4.5, "segment": "old", "member": False},
    ]
    for i, got in enumerate(read_back):
        consents = ("email", "sms") if i != 1 else ("email",)
        alone = codec.decide_request(
            messages.decide_request(
                "c", batch.users[i], embeddings[i], attributes[i], consents=consents, request_id=str(i + 1), at=AT
            )
        )
        assert got.context.embedding.tobytes() == alone.context.embedding.tobytes()
        assert got.context.attributes == alone.context.attributes
        assert got.context.consents == alone.context.consents
        assert (got.user, got.request_id, got.at) == (alone.user, alone.request_id, alone.at)


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        ((), ["", "", ""]),
        (("Asia/Tokyo",), ["Asia/Tokyo"] * 3),
        (("Asia/Tokyo", "", "Europe/Berlin"), ["Asia/Tokyo", "", "Europe/Berlin"]),
    ],
)
def test_a_batch_brings_no_zone_or_one_for_all_or_one_each(sent: tuple[str, ...], got: list[str]) -> None:
    batch = Batch("c", ["u", "v", "w"], np.zeros((3, 0)), time_zones=sent)
    assert [request.time_zone for request in batch_requests(messages.batch_request(batch), 0)] == got


def test_mixed_columns_are_refused() -> None:
    mixed: list[list[Any]] = [["a", 1.0], [True, "b"], [True, 1.0]]
    for values in mixed:
        with pytest.raises(InvalidInput) as caught:
            messages.batch_request(Batch("c", ["u", "v"], np.zeros((2, 0)), {"x": values}))
        assert caught.value.field == "attributes.x"


def test_variants_and_outcomes_arrive_as_they_were() -> None:
    variant = read(
        Variant,
        {
            "id": "v",
            "state": "paused",
            "channels": {"push": {"title": "你好", "body": "B"}, "sms": {"text": "T"}},
            "category": "tea",
            "price_band": "low",
            "offer": {"percent": 12.5, "code": "X", "free": False},
            "features": {"tone": "warm"},
            "embedding": [0.5, -0.25],
            "embedding_model": "m",
            "audience": {"tier": ["gold", True, 2.0]},
            "language": "zh",
            "provenance": {"seed": 1, "checks": ["a"]},
        },
    )
    assert read_variant(messages.variant(variant), "variants[0]") == variant
    outcome = Outcome("o", "c", OutcomeType.REFUND, AT, 2.5, user="u", reason="")
    sent = delivery_pb2.ReportOutcomesRequest(campaign="c", outcomes=[messages.outcome(outcome)])
    assert codec.outcome_report(sent).outcomes == (outcome,)


def report(number: int) -> FallbackReport:
    return FallbackReport(f"r{number}", "u", AT)


@given(st.lists(st.sampled_from(["add", "done", "back", "refused"]), max_size=60), st.integers(1, 5))
def test_every_safe_answer_is_waiting_delivered_or_counted_as_lost(steps: list[str], capacity: int) -> None:
    queue, added, delivered = Fallbacks(capacity), 0, 0
    for step in steps:
        if step == "add":
            queue.add(f"c{added % 2}", report(added))
            added += 1
            continue
        taken = queue.take()
        if taken is None:
            continue
        assert len({taken[0]}) == 1
        if step == "back":
            queue.put_back(*taken, Unavailable("away"))
        else:
            queue.done(taken[1], refused=step == "refused")
            delivered += len(taken[1]) if step == "done" else 0
        assert len(queue) <= capacity
    assert added == len(queue) + delivered + queue.dropped + queue.refused


def test_reports_that_a_server_refused_are_due_again_when_it_wants_to_be_asked() -> None:
    queue = Fallbacks(10)
    assert not queue.are_due
    queue.add("a", report(0))
    assert queue.are_due
    for error, is_due in ((Unavailable("away"), True), (ResourceExhausted("too many", retry_s=0.05), False)):
        taken = queue.take()
        assert taken is not None
        queue.put_back(*taken, error)
        assert queue.are_due is is_due
    assert 0.02 < (queue.rest_s(0.02) or 0.0) <= 0.05
    assert queue.rest_s(7.0) == 7.0
    time.sleep(0.06)
    assert queue.are_due
    assert queue.rest_s(0.02) == 0.02
    taken = queue.take()
    assert taken is not None
    queue.put_back(*taken, ResourceExhausted("too many", retry_s=1e9))
    assert (queue.rest_s(0.02) or 0.0) <= 300.0
    taken = queue.take()
    assert taken is not None
    queue.done(taken[1])
    assert queue.rest_s(0.02) is None
    queue.add("b", report(1))
    assert queue.are_due, "the server takes reports again"


def test_chunks_are_bounded_and_of_one_campaign() -> None:
    queue = Fallbacks(10_000)
    for number in range(CHUNK + 3):
        queue.add("a", report(number))
    queue.add("b", report(-1))
    sizes = []
    while (taken := queue.take()) is not None:
        sizes.append((taken[0], len(taken[1])))
        queue.done(taken[1])
    assert sizes == [("a", CHUNK), ("a", 3), ("b", 1)]


def test_waits_grow_and_fit_the_time_that_is_left() -> None:
    away = Failure(Unavailable("away"), may_retry=True)
    assert [away.delay_s(n, 9.0) for n in range(6)] == [0.002, 0.008, 0.032, 0.128, 0.5, 0.5]
    assert away.delay_s(2, 0.03) is None
    asked = Failure(Unavailable("draining"), may_retry=True, asked_wait_s=1.0)
    assert asked.delay_s(0, 0.05) is None
    assert asked.delay_s(0, 2.0) == 1.0
    assert Failure(InvalidInput("wrong")).delay_s(0, 9.0) is None


class Failed(grpc.RpcError):
    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "CANCELLED"

    def trailing_metadata(self) -> tuple[()]:
        return ()


def test_who_is_turned_away_by_a_flooded_server_comes_again_later_and_not_with_all_others() -> None:
    waits = [failure_of(Failed(grpc.StatusCode.CANCELLED), "host:1").delay_s(0, 9.0) for _ in range(50)]
    assert all(wait is not None and 0.01 <= wait <= 0.03 for wait in waits)
    assert len(set(waits)) > 25
    assert failure_of(Failed(grpc.StatusCode.UNAVAILABLE), "host:1").delay_s(0, 9.0) == 0.002


def test_the_safe_answer_holds() -> None:
    answer = Answer.safely("r")
    assert (answer.arm, answer.propensity, answer.mode, answer.safe) == ("hold", 1.0, "fallback", True)
    assert not answer.is_send


@pytest.mark.parametrize(
    "bad", [{"deadline_ms": 0.0}, {"patience_s": -1.0}, {"kept_fallbacks": 0}, {"decide_retries": -1}]
)
def test_options_out_of_range(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidInput) as caught:
        ClientOptions(**bad)  # type: ignore[arg-type]
    assert caught.value.field == next(iter(bad))
