"""Decisions in compact form: what a block holds comes back, whatever it holds; golden bytes of version 2."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.arm import ArmId, ChannelId, SlotId, VariantId
from engine.core.catalogue import Catalogue
from engine.core.context import Context
from engine.core.context_columns import ContextColumns
from engine.core.decision import KEPT_PROBABILITIES, Decision, Mode
from engine.core.decision_block import DecisionBlock
from engine.core.drawing import SCALE, draw, quantise
from engine.core.eligible_set import EligibleSet
from engine.core.errors import CorruptState, InvalidInput
from engine.core.exclusions import Exclusions
from engine.core.placement import Channel, Slot
from engine.core.variant import Variant
from engine.journal import JournalReader, SegmentWriter, batch_index, decode, records_at, row_at
from engine.journal.record import encode_compact, encode_many
from engine.journal.segment import FRAME_BYTES, frame, frame_rows

GOLDEN = Path(__file__).with_name("golden")
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def catalogue(variants: int) -> Catalogue:
    channels = (Channel(ChannelId("email")), Channel(ChannelId("push")))
    made = tuple(Variant(VariantId(f"v{i:03d}"), channels={c.id: {} for c in channels}) for i in range(variants))
    return Catalogue(made, channels, (Slot(SlotId("now")),))


SMALL, LARGE = catalogue(4), catalogue(200)


def arms(digest: str) -> Sequence[ArmId]:
    return {SMALL.digest: SMALL.ids, LARGE.digest: LARGE.ids}[digest]


def block_of(arms_of: Catalogue, rows: int, seed: int, attributes: dict[str, object] | None = None) -> DecisionBlock:
    rng = np.random.default_rng(seed)
    sets = []
    for kind in range(3):
        codes = rng.integers(0, 3, size=len(arms_of)).astype(np.uint8) if kind else np.zeros(len(arms_of), np.uint8)
        codes[0] = 0
        excluded = Exclusions(arms_of.ids, codes, ("paused", "no_consent"))
        sets.append(EligibleSet.of(excluded, np.zeros(len(arms_of))))
    chosen_sets = [sets[i] for i in rng.integers(0, 3, size=rows)]
    weights = rng.random((rows, len(arms_of))) * np.array([one.mask for one in chosen_sets])
    counts = quantise(weights / weights.sum(axis=1, keepdims=True))
    seeds = rng.integers(0, 1 << 63, size=rows)
    columns = draw(counts, seeds)
    modes = [Mode.LIVE if i % 3 else Mode.CONTROL for i in range(rows)]
    return DecisionBlock(
        campaign="spring", catalogue=arms_of, snapshot="00000007",
        ids=[rng.bytes(16) for _ in range(rows)], users=[rng.bytes(16).hex() for _ in range(rows)],
        at=[AT + timedelta(microseconds=i) for i in range(rows)],
        contexts=[
            Context(
                rng.normal(size=5).astype(np.float32),
                attributes if attributes is not None else {"age": i, "vip": True},
                (None, frozenset(), frozenset({ChannelId("email")}))[i % 3],
            )
            for i in range(rows)
        ],
        digests=[rng.bytes(12) for _ in range(rows)], modes=modes,
        policies=["squarecb(30,0.5)" if mode is Mode.LIVE else "uniform" for mode in modes],
        sets=chosen_sets, counts=counts, columns=columns, chosen=counts[np.arange(rows), columns], seeds=seeds,
    )  # fmt: skip


def assert_same(one: Decision, other: Decision) -> None:
    for field in (
        "id", "campaign", "user", "decided_at", "arm", "eligible", "chosen_count", "seed", "mode", "catalogue",
        "snapshot", "policy", "body_digest", "propensity",
    ):  # fmt: skip
        assert getattr(one, field) == getattr(other, field), field
    assert dict(one.excluded) == dict(other.excluded)
    assert (one.counts is None) == (other.counts is None)
    if one.counts is not None and other.counts is not None:
        assert one.counts.tolist() == other.counts.tolist()
        assert int(one.counts.sum()) == SCALE
    assert one.context.embedding.tobytes() == other.context.embedding.tobytes()
    assert dict(one.context.attributes) == dict(other.context.attributes)
    assert one.context.consents == other.context.consents


@given(st.integers(1, 20), st.integers(0, 1_000), st.booleans())
def test_what_a_block_holds_comes_back(rows: int, seed: int, large: bool) -> None:
    block = block_of(LARGE if large else SMALL, rows, seed)
    for row, payload in zip(block, encode_many(block, AT), strict=True):
        entry = decode(payload, arms)
        assert entry.recorded_at == AT
        assert isinstance(entry.record, Decision)
        assert_same(entry.record, row)


@given(st.integers(1, 40), st.integers(0, 1_000), st.booleans())
def test_columns_make_the_same_bytes_as_rows(rows: int, seed: int, large: bool) -> None:
    block = block_of(LARGE if large else SMALL, rows, seed)
    contexts = block.contexts
    known = [dict(contexts[i % len(contexts)].attributes) for i in range(3)]
    columns = ContextColumns(
        np.array([context.embedding for context in contexts]),
        [known[i % 3] for i in range(rows)],
        [context.consents for context in contexts],
    )
    together = replace(block, contexts=columns, at=[AT] * rows)
    plain = replace(together, contexts=list(columns))
    found = [bytes(row) for matrix in encode_compact(together, AT) for row in matrix]
    assert sorted(found) == sorted(encode_many(plain, AT))
    framed = [bytes(frame_rows(matrix, 77)) for matrix in encode_compact(together, AT, FRAME_BYTES)]
    one_by_one = [b"".join(frame(bytes(row), 77) for row in matrix) for matrix in encode_compact(together, AT)]
    assert framed == one_by_one


def test_many_arms_keep_the_chosen_probability_alone() -> None:
    block = block_of(LARGE, 30, 1)
    kept = [decode(payload, arms).record for payload in encode_many(block, AT)]
    for one in kept:
        assert isinstance(one, Decision)
        assert (one.counts is None) == (len(one.eligible) > KEPT_PROBABILITIES)
    assert any(isinstance(one, Decision) and one.counts is None for one in kept)
    assert max(map(len, encode_many(block, AT))) < 500, "401 arms in a few hundred bytes"


def test_any_cut_is_corrupt() -> None:
    (payload,) = encode_many(block_of(SMALL, 1, 3), AT)
    for size in range(len(payload)):
        with pytest.raises(CorruptState):
            decode(payload[:size], arms)
    with pytest.raises(CorruptState):
        decode(payload + b"x", arms)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_could_not_be_given_back_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="attributes"):
        encode_many(block_of(SMALL, 2, 3, {"age": value}), AT)


def test_version_2_keeps_its_bytes_and_is_read() -> None:
    for name, block in (("block_small", block_of(SMALL, 4, 11)), ("block_large", block_of(LARGE, 4, 12))):
        data = (GOLDEN / f"{name}.v2.bin").read_bytes()
        payloads = encode_many(block, AT)
        assert data == b"".join(len(payload).to_bytes(4, "little") + payload for payload in payloads)
        at = 0
        for row in block:
            size = int.from_bytes(data[at : at + 4], "little")
            record = decode(data[at + 4 : at + 4 + size], arms).record
            assert isinstance(record, Decision)
            assert_same(record, row)
            at += 4 + size


def columns_of(rows: int, seed: int) -> DecisionBlock:
    block = block_of(SMALL, rows, seed)
    contexts = block.contexts
    columns = ContextColumns(
        np.array([context.embedding for context in contexts]),
        [{"vip": True}] * rows,
        [context.consents for context in contexts],
    )
    return replace(block, contexts=columns, at=[AT] * rows)


def test_a_batch_that_was_cut_short_is_not_there_at_all(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    writer = SegmentWriter(whole, "w0", arms=arms)
    writer.append_many(block_of(SMALL, 2, 1), AT)
    writer.commit()
    begin = writer.position.offset
    before, end = writer.append_block(columns_of(12, 2), AT, b"b" * 16)
    writer.commit()
    segment = whole / "w0" / "00000001.segment"
    data = segment.read_bytes()
    assert len(data) == end.offset
    assert begin < before.offset
    for size in (*range(begin, end.offset, 37), end.offset - 1, end.offset):
        folder = tmp_path / f"cut-{size}"
        (folder / "w0").mkdir(parents=True)
        (folder / "w0" / segment.name).write_bytes(data[:size])
        seen = [e.record for _, e in JournalReader(folder, arms=arms).read() if isinstance(e.record, Decision)]
        assert len(seen) == (14 if size == end.offset else 2), "not even a reader sees half a batch"
        again = SegmentWriter(folder, "w0", arms=arms)
        kept = [e.record for _, e in JournalReader(folder, arms=arms).read() if isinstance(e.record, Decision)]
        assert len(kept) == len(seen)
        again.close(AT)
    read = [r for r in records_at(whole, end, end.offset - before.offset, arms) if isinstance(r, Decision)]
    assert sorted(one.id for one in read) == sorted(one.id for one in columns_of(12, 2))
    writer.close(AT)


def test_an_index_finds_each_decision_of_a_batch_where_searching_does(tmp_path: Path) -> None:
    """Rows of several lengths, one of whose embeddings holds another one's id."""
    writer = SegmentWriter(tmp_path, "w0", arms=arms)
    block = columns_of(40, 3)
    block = replace(block, ids=[bytes([i]) * 8 + b"batch-01" for i in range(40)])
    contexts = block.contexts
    assert isinstance(contexts, ContextColumns)
    embeddings = contexts.embeddings.copy()
    embeddings[0].view(np.uint8)[: len(block.ids[9])] = np.frombuffer(block.ids[9], dtype=np.uint8)
    attributes = [{"vip": True, "name": "n" * (i % 3)} for i in range(40)]
    block = replace(block, contexts=ContextColumns(embeddings, attributes, contexts.consents))
    before, end = writer.append_block(block, AT, b"b" * 16)
    writer.commit()
    length = end.offset - before.offset
    index = batch_index(tmp_path, end, length)
    for i, id in enumerate(block.ids):
        found, searched = row_at(tmp_path, end, length, id, arms, index), row_at(tmp_path, end, length, id, arms)
        assert found is not None
        assert searched is not None
        assert found[:2] == searched[:2]
        record = found[2]
        assert isinstance(record, Decision)
        assert (record.id, record.seed) == (id.hex(), int(block.seeds[i]))
        (again,) = records_at(tmp_path, found[0], found[1], arms)
        assert isinstance(again, Decision)
        assert again.id == id.hex()
    assert row_at(tmp_path, end, length, bytes(8) + b"batch-02", arms, index) is None
    assert row_at(tmp_path, end, length, b"x" * 16, arms, index) is None
    writer.close(AT)
