"""Damaged and made-up input: every reader says what is wrong, and nothing worse happens."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[3]))

from fuzz.targets import TARGETS, Corpus, Requests

CORPUS = Corpus()
FEW = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@st.composite
def damaged(draw: Any, seeds: list[bytes]) -> bytes:
    """A good input with some bytes flipped, cut away, doubled or replaced."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(["flip", "cut", "tail", "double", "put"])):
            case "flip" if data:
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[at : at + draw(st.integers(1, 40))]
            case "tail":
                del data[at:]
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 40))]
            case "put":
                data[at : at + 4] = draw(st.binary(min_size=1, max_size=8))
    return bytes(data)


@pytest.mark.parametrize("name", sorted(set(TARGETS) - {"requests"}))
def test_damaged_files_are_refused_or_read(name: str, tmp_path: Path) -> None:
    make, seeds = TARGETS[name]
    target = make(tmp_path)

    @FEW
    @given(st.one_of(damaged(getattr(CORPUS, seeds)), st.binary(max_size=200)))
    def check(data: bytes) -> None:
        target(data)

    for seed in getattr(CORPUS, seeds):
        target(seed)
    check()


@pytest.fixture
def requests(tmp_path: Path) -> Iterator[Requests]:
    made = Requests(tmp_path)
    yield made
    made.close()


def values(field: Any, depth: int) -> st.SearchStrategy[Any]:
    """Values of one protobuf field: likely ones, and anything its type allows."""
    number = field.cpp_type
    if number == field.CPPTYPE_MESSAGE:
        return messages(field.message_type, depth - 1)
    if number == field.CPPTYPE_STRING:
        if field.type == field.TYPE_BYTES:
            return st.one_of(st.sampled_from([bytes(16), bytes(32), b"\x01", b"\x01\x00"]), st.binary(max_size=40))
        words = ["promo", "a", "email", "sms", "now", "evening", "segment", "age", "member", "new", "Europe/Berlin", ""]
        return st.one_of(st.sampled_from(words), st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
    if number == field.CPPTYPE_BOOL:
        return st.booleans()
    if number == field.CPPTYPE_ENUM:
        return st.sampled_from([value.number for value in field.enum_type.values])
    if number in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
        return st.one_of(st.sampled_from([0.0, 1.0, -1.0, float("nan"), float("inf")]), st.floats(width=32))
    signed = number in (field.CPPTYPE_INT32, field.CPPTYPE_INT64)
    bits = 31 if number in (field.CPPTYPE_INT32, field.CPPTYPE_UINT32) else 63
    return st.one_of(st.integers(0, 5), st.integers(-(1 << bits) if signed else 0, (1 << bits) - 1))


def messages(kind: Any, depth: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    """Messages of a type, as keyword arguments of its class."""
    fields = {}
    for field in kind.fields:
        if field.cpp_type == field.CPPTYPE_MESSAGE and depth <= 0:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
            fields[field.name] = st.dictionaries(values(key, depth), values(value, depth), max_size=3)
        elif field.is_repeated:
            fields[field.name] = st.lists(values(field, depth), max_size=4)
        else:
            fields[field.name] = values(field, depth)
    return st.fixed_dictionaries({}, optional=fields)


def built(message: type[Message], given_: dict[str, Any]) -> Message | None:
    """The message; None where two members of a oneof are given, or a string that protobuf refuses."""
    try:
        return message(**given_)
    except (ValueError, TypeError):
        return None


@pytest.mark.parametrize(("name", "kind"), Requests.METHODS)
def test_made_up_requests_are_never_internal_errors(requests: Requests, name: str, kind: type[Message]) -> None:
    asked: list[bool] = []

    @FEW
    @given(messages(kind.DESCRIPTOR), st.booleans())
    def check(content: dict[str, Any], known: bool) -> None:
        if known and name != "Explain":
            content = {**content, "campaign": "promo"}
        message = built(kind, content)
        if message is not None:
            asked.append(True)
            requests.ask(name, message)

    check()
    assert len(asked) > 50


def test_damaged_requests_are_never_internal_errors(requests: Requests) -> None:
    @FEW
    @given(damaged(CORPUS.requests))
    def check(data: bytes) -> None:
        requests(data)

    check()
