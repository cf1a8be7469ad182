"""A forgotten shopper's record keeps its place, length, checksum and propensity, and nothing of the person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.arm import HOLD, ArmId
from engine.core.campaign import Campaign
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.decision_block import DecisionBlock
from engine.core.eligible_set import EligibleSet
from engine.core.errors import CorruptState, UnsupportedVersion
from engine.core.exclusions import Exclusions
from engine.core.forgotten import forgotten_name, is_forgotten
from engine.core.outcome import Outcome, OutcomeType
from engine.core.reading import read
from engine.journal import decode, encode
from engine.journal.record import encode_many, shredded
from engine.service.erasable_file import ErasableFile

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHO, OTHER = "ab" * 16, "cd" * 16
ATTRIBUTES = {"city": "Köln", "age": 0.1, "member": True}


def single(user: str = WHO, attributes: Any = ATTRIBUTES, dimension: int = 3, **changes: Any) -> Decision:
    made = Decision(
        id="01" * 16,
        campaign="spring",
        user=user,
        decided_at=AT,
        arm=ArmId("v1/email/now"),
        eligible=(HOLD, ArmId("v1/email/now")),
        counts=np.array([1 << 22, 3 << 22], dtype=np.uint32),
        chosen_count=3 << 22,
        seed=(1 << 63) - 1,
        context=Context(np.linspace(-1, 1, dimension, dtype=np.float32), attributes, frozenset()),
        mode=Mode.LIVE,
        catalogue="c0ffee",
        snapshot="7",
        policy="squarecb",
        excluded={ArmId("v2/email/now"): "paused"},
        body_digest="beef" * 6,
    )
    return replace(made, **changes)


def block(users: list[str], attributes: Any = ATTRIBUTES) -> DecisionBlock:
    campaign = read(
        Campaign,
        {
            "id": "spring",
            "schema": {"dimension": 3},
            "channels": [{"id": "email"}],
            "slots": [{"id": "now"}],
            "variants": [{"id": "v1", "channels": {"email": {"text": "x"}}, "state": "approved"}],
        },
    )
    catalogue = campaign.catalogue()
    n, k = len(users), len(catalogue)
    codes = np.zeros(k, np.uint8)
    eligible = EligibleSet.of(Exclusions(catalogue.ids, codes, ("paused",)), np.full(k, 0.05))
    counts = np.tile(np.array([1 << 22, 3 << 22], np.int64), (n, 1))
    return DecisionBlock(
        campaign="spring",
        catalogue=catalogue,
        snapshot="7",
        ids=[bytes([i]) * 16 for i in range(n)],
        users=users,
        at=[AT] * n,
        contexts=[Context(np.linspace(1, 2, 3, dtype=np.float32), attributes, frozenset())] * n,
        digests=[b"digest-12byt"] * n,
        modes=[Mode.LIVE] * n,
        policies=["squarecb"] * n,
        sets=[eligible] * n,
        counts=counts,
        columns=np.ones(n, np.int64),
        chosen=np.full(n, 3 << 22),
        seeds=np.arange(n, dtype=np.int64),
    )


def facts(decision: Decision) -> tuple[Any, ...]:
    """What is not of the person."""
    kept = None if decision.counts is None else decision.counts.tolist()
    return (
        decision.id, decision.campaign, decision.decided_at, decision.arm, decision.eligible, kept,
        decision.chosen_count, decision.seed, decision.mode, decision.catalogue, decision.snapshot, decision.policy,
        dict(decision.excluded), decision.context.consents,
    )  # fmt: skip


def check_forgotten(before: Decision, after: Any, name: str) -> None:
    assert isinstance(after, Decision)
    assert facts(after) == facts(before)
    assert after.user == name
    assert is_forgotten(after.user)
    assert dict(after.context.attributes) == {}
    assert after.context.embedding.tolist() == [0.0] * len(before.context.embedding)
    assert set(after.body_digest) <= {"0"}


@pytest.mark.parametrize("attributes", [ATTRIBUTES, {}, {"a": "\N{SNOWMAN}" * 50}])
@pytest.mark.parametrize("dimension", [0, 3])
def test_a_single_decision(attributes: Any, dimension: int) -> None:
    name = forgotten_name()
    before = single(attributes=attributes, dimension=dimension)
    payload = encode(before, AT)
    found = shredded(payload, {WHO: name})
    assert found is not None
    user, new = found
    assert user == WHO
    assert len(new) == len(payload)
    check_forgotten(before, decode(new).record, name)
    assert decode(new).recorded_at == AT
    assert WHO.encode() not in new
    assert b"beef" not in new
    assert shredded(new, {WHO: name}) is None, "a second time finds nothing"
    assert shredded(encode(single(OTHER), AT), {WHO: name}) is None


@pytest.mark.parametrize("attributes", [ATTRIBUTES, {}])
def test_rows_of_a_block(attributes: Any) -> None:
    name = forgotten_name()
    made = block([OTHER, WHO, WHO], attributes)
    arms = {made.catalogue.digest: made.catalogue.ids}.__getitem__
    payloads = encode_many(made, AT, arms)
    assert shredded(payloads[0], {WHO: name}) is None
    for i in (1, 2):
        found = shredded(payloads[i], {OTHER: forgotten_name(), WHO: name})
        assert found is not None
        assert len(found[1]) == len(payloads[i])
        check_forgotten(made[i], decode(found[1], arms).record, name)
        for secret in (WHO.encode(), "Köln".encode(), b"digest", made.contexts[i].embedding.tobytes()):
            assert secret not in found[1]


def test_an_outcome_of_a_user() -> None:
    name = forgotten_name()
    outcome = Outcome("o\u00e9", "spring", OutcomeType.PURCHASE, AT, 12.5, user=WHO)
    payload = encode(outcome, AT)
    found = shredded(payload, {WHO: name})
    assert found is not None
    assert len(found[1]) == len(payload)
    assert decode(found[1]).record == replace(outcome, user=name)
    assert shredded(encode(replace(outcome, user="", decision_id="01" * 16), AT), {WHO: name}) is None


@given(
    attributes=st.dictionaries(
        st.text(max_size=9), st.text(max_size=9) | st.booleans() | st.integers(0, 9), max_size=4
    ),
    dimension=st.integers(0, 6),
)
def test_any_attributes(attributes: dict[str, Any], dimension: int) -> None:
    name = forgotten_name()
    before = single(attributes=attributes, dimension=dimension)
    found = shredded(encode(before, AT), {WHO: name})
    assert found is not None
    check_forgotten(before, decode(found[1]).record, name)


def test_what_nobody_understands_is_blanked_where_it_names_the_shopper() -> None:
    payload = encode(single(), AT)[:10] + b"{not json " + WHO.encode()
    found = shredded(payload, {WHO: forgotten_name()})
    assert found == (WHO, payload[:10] + bytes(len(payload) - 10))
    with pytest.raises(CorruptState):
        decode(found[1])
    assert shredded(payload, {OTHER: forgotten_name()}) is None


def test_newer_records_are_not_touched() -> None:
    payload = b"\x63" + encode(single(), AT)[1:]
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        shredded(payload, {WHO: forgotten_name()})


def test_golden_records_shred(tmp_path: Path) -> None:
    golden = Path(__file__).with_name("golden") / "decision.v1.bin"
    payload = golden.read_bytes()
    user = decode(payload).record.user  # type: ignore[union-attr]
    found = shredded(payload, {user: "x" * len(user)})
    assert found is not None
    assert len(found[1]) == len(payload)
    assert decode(found[1]).record.user == "x" * len(user)  # type: ignore[union-attr]


def test_names_of_the_forgotten_are_their_own() -> None:
    names = {forgotten_name() for _ in range(100)}
    assert len(names) == 100
    assert all(len(name) == 32 and is_forgotten(name) for name in names)
    assert not is_forgotten(WHO)
    assert not is_forgotten("")


def test_a_checkpoint_that_holds_shoppers_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "caps"
    path.write_bytes(b"x")
    assert [ErasableFile(path).erase([WHO]), ErasableFile(path).erase([WHO])] == [1, 0]
    assert not path.exists()
