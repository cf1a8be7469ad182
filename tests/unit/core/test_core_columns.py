"""Columns of few values, pseudonyms as bytes, and hashes by the thousand say what the plain ways say."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.drawing import SCALE, draw, quantise
from engine.core.exploration.squarecb import SquareCB
from engine.core.keyed_hash import Domain, KeyedHash
from engine.core.pseudonyms import Pseudonyms, raw_of
from engine.core.repeated import Repeated

KEY = KeyedHash(b"k" * 32)


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=20), st.slices(20))
def test_a_repeated_column_reads_as_its_rows(rows: list[str], some: slice) -> None:
    column = Repeated.of(rows)
    assert list(column) == [column[i] for i in range(len(rows))] == rows
    assert list(column[some]) == rows[some]
    assert len(column.values) == len(set(rows)), "the same object is one value"
    assert Repeated.of(column) is column


def test_one_value_in_every_row() -> None:
    column = Repeated.all_of("x", 3)
    assert (list(column), len(column), "x" in column) == (["x"] * 3, 3, True)


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=10), st.slices(10))
def test_pseudonyms_read_as_their_digits(digests: list[bytes], some: slice) -> None:
    users, texts = Pseudonyms(digests), [digest.hex() for digest in digests]
    assert list(users) == [users[i] for i in range(len(users))] == texts
    assert list(users[some]) == texts[some]
    assert users.texts() == [text.encode() for text in texts]
    assert raw_of(users) == raw_of(texts) == b"".join(digests)
    assert users.digits.tobytes() == "".join(texts).encode()


def test_names_have_no_bytes() -> None:
    with pytest.raises(ValueError, match="hex"):
        raw_of(["customer-17"])


@given(st.lists(st.binary(max_size=300), max_size=12), st.lists(st.text(max_size=5), max_size=2))
def test_many_digests_are_single_ones(parts: list[bytes], before: list[str]) -> None:
    assert KEY.digests(Domain.USER, parts, *before) == [KEY.digest(Domain.USER, *before, part) for part in parts]


def test_a_series_is_cut_from_long_digests() -> None:
    found = KEY.series(Domain.DECISION_ID, 9, "promo", "night")
    blake = hashlib.blake2b(b"\5\0\0\0promo\5\0\0\0night\1\0\0\0", key=KEY.key, person=b"decision-id", digest_size=64)
    assert b"".join(found[4:8]) == blake.digest()
    assert len(set(found)) == len(found) == 9
    assert KEY.series(Domain.DECISION_ID, 5, "promo", "night") == found[:5], "whatever comes behind"
    assert not set(found) & set(KEY.series(Domain.DECISION_ID, 9, "promon", "ight"))


@given(st.integers(0, 10_000), st.integers(1, 12), st.booleans(), st.sampled_from([0, 1, 900]))
def test_quick_arithmetic_gives_the_bits_of_the_plain_one(seed: int, arms: int, some: bool, t: int) -> None:
    """The formulas as they stand in SquareCB's and quantise's docstrings, with no memory spared."""
    chance = np.random.default_rng(seed)
    costs = chance.normal(size=(7, arms)) * 10.0 ** chance.integers(-3, 4)
    eligible = chance.random((7, arms)) < (0.5 if some else 1.0)
    eligible[:, 0] = True
    rule, rows = SquareCB(), np.arange(7)
    best = np.argmin(np.where(eligible, costs, np.inf), axis=1)
    gaps = np.where(eligible, costs - costs[rows, best][:, None], 0.0)
    plain = eligible / (eligible.sum(axis=1, keepdims=True) + rule.gamma(t) * gaps)
    plain[rows, best] = 0.0
    plain[rows, best] = 1.0 - plain.sum(axis=1)
    found = rule.probabilities(costs, eligible, t)
    assert np.array_equal(found, plain)
    found[:, -1] += 1e-12
    counts = np.maximum(np.floor(found * SCALE).astype(np.int64), found > 0)
    counts[rows, np.argmax(found, axis=1)] += SCALE - counts.sum(axis=1)
    assert np.array_equal(quantise(found), counts)
    seeds = chance.integers(0, 1 << 63, 7)
    drawn = (np.cumsum(counts, axis=1) <= (seeds >> 39)[:, None]).sum(axis=1)
    assert np.array_equal(draw(counts, seeds), drawn)
