from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.arm import HOLD, ArmId, ChannelId
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.errors import CorruptState, InvalidInput, NotFound, UnsupportedVersion
from engine.core.outcome import Outcome, OutcomeType
from engine.journal import Entry, Mark, decode, encode
from engine.journal.record import VERSION, recorded_micros

GOLDEN = Path(__file__).with_name("golden")
Make = Callable[..., Decision]
Same = Callable[[Decision, Decision], bool]

CATALOGUE = (HOLD, *(ArmId(f"v{i:04d}/email/evening") for i in range(999)))


def catalogues(digest: str) -> tuple[ArmId, ...]:
    if digest != "large":
        raise NotFound(digest)
    return CATALOGUE


def golden_records(make: Make, at: datetime) -> dict[str, bytes]:
    outcome = Outcome("o-1", "spring", OutcomeType.PURCHASE, at, 19.9, user="u-1")
    large = make(
        eligible=CATALOGUE[::2],
        counts=None,
        arm=CATALOGUE[8],
        chosen_count=1,
        catalogue="large",
        excluded=dict.fromkeys(CATALOGUE[1::2], "budget"),
    )
    return {
        "decision.v1.bin": encode(make(), at),
        "decision_large.v1.bin": encode(large, at, catalogues),
        "outcome.v1.bin": encode(outcome, at),
        "mark.v1.bin": encode(Mark(), at),
        "closed.v1.bin": encode(Mark(closed=True), at),
    }


def test_version_1_keeps_its_bytes(make_decision: Make, at: datetime) -> None:
    for name, data in golden_records(make_decision, at).items():
        assert (GOLDEN / name).read_bytes() == data, name


def test_golden_files_of_version_1_are_read(make_decision: Make, same: Same, at: datetime) -> None:
    entry = decode((GOLDEN / "decision.v1.bin").read_bytes())
    assert entry.recorded_at == at
    assert isinstance(entry.record, Decision)
    assert same(entry.record, make_decision())
    large = decode((GOLDEN / "decision_large.v1.bin").read_bytes(), catalogues).record
    assert isinstance(large, Decision)
    assert large.eligible == CATALOGUE[::2]
    assert large.excluded == dict.fromkeys(CATALOGUE[1::2], "budget")
    assert decode((GOLDEN / "outcome.v1.bin").read_bytes()).record == Outcome(
        "o-1", "spring", OutcomeType.PURCHASE, at, 19.9, user="u-1"
    )
    assert decode((GOLDEN / "closed.v1.bin").read_bytes()) == Entry(at, Mark(closed=True))


def test_version_3_brought_comments(at: datetime) -> None:
    comment = Outcome("o-2", "spring", OutcomeType.COMMENT, at, -0.75, decision_id="d-1")
    data = (GOLDEN / "comment.v3.bin").read_bytes()
    assert encode(comment, at) == data
    assert data[0] == VERSION == 3, "an older reader asks for an upgrade and takes nothing for damage"
    assert decode(data).record == comment


texts = st.text(max_size=12)
times = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
scalars = st.one_of(
    texts, st.booleans(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53), 2**53)
)


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    size = draw(st.integers(1, 90))
    columns = sorted(draw(st.sets(st.integers(0, len(CATALOGUE) - 1), min_size=size, max_size=size)))
    others = [i for i in draw(st.sets(st.integers(0, len(CATALOGUE) - 1), max_size=40)) if i not in columns]
    counts = draw(st.lists(st.integers(0, 1 << 24), min_size=size, max_size=size)) if size <= 64 else None
    embedding = draw(st.lists(st.floats(width=32, allow_nan=False), max_size=6))
    return Decision(
        id=draw(texts),
        campaign=draw(texts),
        user=draw(texts),
        decided_at=draw(times),
        arm=CATALOGUE[columns[0]],
        eligible=tuple(CATALOGUE[i] for i in columns),
        counts=None if counts is None else np.array(counts, dtype=np.uint32),
        chosen_count=draw(st.integers(0, 1 << 24)),
        seed=draw(st.integers(0, (1 << 63) - 1)),
        context=Context(
            np.array(embedding, dtype=np.float32),
            draw(st.dictionaries(texts, scalars, max_size=4)),
            draw(st.none() | st.frozensets(st.sampled_from([ChannelId("sms"), ChannelId("push")]))),
        ),
        mode=draw(st.sampled_from(Mode)),
        catalogue=draw(st.sampled_from(["large", "other"])),
        snapshot=draw(texts),
        policy=draw(texts),
        excluded={CATALOGUE[i]: draw(st.sampled_from(["paused", "budget", ""])) for i in others},
        body_digest=draw(texts),
    )


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(decision=decisions(), recorded_at=times)
def test_decisions_come_back_bit_for_bit(decision: Decision, recorded_at: datetime, same: Same) -> None:
    entry = decode(encode(decision, recorded_at, catalogues), catalogues)
    assert entry.recorded_at == recorded_at
    assert isinstance(entry.record, Decision)
    assert same(entry.record, decision)


@settings(max_examples=80, deadline=None)
@given(
    st.builds(
        Outcome,
        id=st.text(min_size=1, max_size=9),
        campaign=texts,
        type=st.sampled_from([kind for kind in OutcomeType if kind is not OutcomeType.COMMENT]),
        at=times,
        value=st.floats(0, 1e12),
        decision_id=st.text(min_size=1, max_size=9),
        user=texts,
        reason=texts,
    ),
    times,
)
def test_outcomes_come_back(outcome: Outcome, recorded_at: datetime) -> None:
    assert decode(encode(outcome, recorded_at)) == Entry(recorded_at, outcome)


def test_many_arms_take_an_eighth_of_a_byte_each(make_decision: Make, at: datetime) -> None:
    record = make_decision(eligible=CATALOGUE, counts=None, catalogue="large", excluded={})
    assert len(encode(record, at, catalogues)) < 500
    assert len(encode(record, at)) > 20_000
    assert decode(encode(record, at)).record.eligible == CATALOGUE  # type: ignore[union-attr]


def test_arms_out_of_catalogue_order_are_listed(make_decision: Make, at: datetime) -> None:
    backwards = CATALOGUE[99::-1]
    data = encode(make_decision(eligible=backwards, counts=None, catalogue="large", excluded={}), at, catalogues)
    assert decode(data).record.eligible == backwards  # type: ignore[union-attr]


def test_an_unknown_catalogue_is_said(make_decision: Make, at: datetime) -> None:
    data = encode(make_decision(eligible=CATALOGUE, counts=None, catalogue="large", excluded={}), at, catalogues)
    with pytest.raises(CorruptState, match="large"):
        decode(data)


def test_a_catalogue_of_another_size_is_refused(make_decision: Make, at: datetime) -> None:
    data = encode(make_decision(eligible=CATALOGUE, counts=None, catalogue="large", excluded={}), at, catalogues)
    with pytest.raises(CorruptState, match="1000 arms, got one of 999"):
        decode(data, lambda digest: CATALOGUE[:-1])


def test_times_of_other_zones_are_the_same_instant() -> None:
    local = datetime(2026, 7, 1, 9, 0, tzinfo=timezone(timedelta(hours=8)))
    entry = decode(encode(Mark(), local))
    assert entry.recorded_at == local
    assert entry.recorded_at.utcoffset() == timedelta(0)


def test_a_newer_version_names_the_upgrade(make_decision: Make, at: datetime) -> None:
    data = bytearray(encode(make_decision(), at))
    data[0] = VERSION + 1
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        decode(bytes(data))


def test_any_cut_is_corrupt(make_decision: Make, at: datetime) -> None:
    data = encode(make_decision(), at)
    for size in range(len(data)):
        with pytest.raises(CorruptState):
            decode(data[:size])
    with pytest.raises(CorruptState):
        decode(data + b"x")


def test_an_unknown_kind_is_corrupt(at: datetime) -> None:
    data = bytearray(encode(Mark(), at))
    data[1] = 99
    with pytest.raises(CorruptState, match="kind 99"):
        decode(bytes(data))
    assert recorded_micros(encode(Mark(closed=True), at))[1]
    with pytest.raises(CorruptState):
        recorded_micros(b"\1\3")


def test_an_impossible_time_is_corrupt() -> None:
    with pytest.raises(CorruptState):
        decode(struct.pack("<BBq", 1, 3, (1 << 63) - 1))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"context": Context(np.zeros(2, dtype=np.float32), {"age": float("nan")})}, "context.attributes.age"),
        ({"context": Context(np.zeros((2, 2), dtype=np.float32))}, "context.embedding"),
        ({"counts": np.zeros(2, dtype=np.uint32)}, "counts"),
        ({"user": "\ud800"}, "decision"),
        ({"decided_at": datetime(2026, 1, 1)}, "at"),
    ],
)
def test_what_cannot_be_given_back_is_refused(
    make_decision: Make, at: datetime, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        encode(make_decision(**changes), at)
    assert caught.value.field == field


def test_an_outcome_that_is_no_unicode_is_refused(at: datetime) -> None:
    with pytest.raises(InvalidInput):
        encode(Outcome("\ud800", "c", OutcomeType.CLICK, at, decision_id="d"), at)
