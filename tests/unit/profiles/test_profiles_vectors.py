"""Weights, content, factors and their blend, against what one can work out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from engine.core.errors import ConfigError
from engine.profiles import EventType, Product, Products, ProfileSettings
from engine.profiles.content import ContentModel
from engine.profiles.event_fields import SCHEMA
from engine.profiles.factors import FactorModel
from engine.profiles.interest_matrix import interests
from engine.profiles.making import blended, make

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def events(*rows: tuple[str, str | None, str, float, str | None]) -> pl.DataFrame:
    """User, item, type, age in days, query."""
    full = [(u, i, k, NOW - timedelta(days=d), 1.0, None, q) for u, i, k, d, q in rows]
    return pl.DataFrame(full, schema=SCHEMA, orient="row")


def test_weights_halve_with_the_half_life() -> None:
    settings = ProfileSettings(half_life_days=10, weights={EventType.VIEW: 1.0, EventType.PURCHASE: 4.0})
    found = interests(
        events(
            ("a", "x", "view", 0, None),
            ("a", "x", "purchase", 10, None),
            ("a", "y", "purchase", 20, None),
            ("b", "y", "view", 30, None),
            ("b", None, "search", 0, "tea"),
        ),
        ["a", "b"],
        ["x", "y", "z"],
        NOW,
        settings,
    )
    np.testing.assert_allclose(found.items.toarray(), [[1 + 4 / 2, 4 / 4, 0], [0, 1 / 8, 0]])
    assert found.shoppers.tolist() == [1, 2, 0]
    assert (found.texts, found.queries.nnz) == (("tea",), 0)  # a search weighs nothing here


def test_recency_moves_on_without_new_events() -> None:
    table = events(("a", "x", "purchase", 0, None))
    settings = ProfileSettings(half_life_days=7)
    later = interests(table, ["a"], ["x"], NOW + timedelta(days=7), settings)
    assert later.items[0, 0] == pytest.approx(0.5)


TEXTS = [
    "green tea leaves drinks", "black tea bags drinks", "herbal tea drinks", "oolong tea drinks",
    "running shoes sport", "football shoes sport", "hiking shoes sport", "trail running shoes sport",
    "保湿面霜 护肤", "补水面霜 护肤", "美白面霜 护肤", "保湿精华 护肤",
]  # fmt: skip


def test_content_puts_like_to_like_in_both_languages() -> None:
    model = ContentModel.fit(TEXTS, 8, 0, np.ones(len(TEXTS)))
    products = model.vectors(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(products, axis=1), 1, atol=1e-5)
    for text, group in (("white tea", 0), ("tennis shoe", 1), ("男士面霜", 2)):
        cosines = products @ model.vectors([text])[0]
        means = cosines.reshape(3, 4).mean(axis=1)
        assert means.argmax() == group, text
        assert means[group] > np.delete(means, group).max() + 0.3, text
    assert not model.vectors(["", "??"]).any()


def test_little_text_makes_few_dimensions_and_no_error() -> None:
    assert not ContentModel.fit([], 4, 0, np.ones(0)).vectors(["tea"]).any()
    assert ContentModel.fit(["tea"], 4, 0, np.ones(1)).vectors(["tea"]).shape == (1, 4)


def two_tastes(rng: np.random.Generator, users: int = 80, items: int = 20) -> csr_matrix:
    """The first half of users buys from the first half of items, the second from the second."""
    own = (np.arange(users)[:, None] < users // 2) == (np.arange(items)[None] < items // 2)
    return csr_matrix(np.where(own & (rng.random((users, items)) < 0.5), 1.0 + rng.random((users, items)), 0.0))


@pytest.mark.parametrize("method", ["als", "svd"])
def test_factors_part_two_tastes(method: str) -> None:
    matrix = two_tastes(np.random.default_rng(3))
    settings = ProfileSettings(dimension=8, content_dimension=4, method=method, regularization=0.1)
    model = FactorModel.fit(matrix, settings)
    scores = model.users(matrix) @ model.items.T
    assert scores[:40, :10].mean() > 5 * abs(scores[:40, 10:].mean())


def test_folding_in_is_the_closed_form_of_als() -> None:
    matrix = two_tastes(np.random.default_rng(4))
    settings = ProfileSettings(dimension=8, content_dimension=4, alpha=3.0, regularization=0.7)
    model = FactorModel.fit(matrix, settings)
    y = model.items.astype(np.float64)
    new = np.zeros(20)
    new[[1, 4]] = [2.0, 0.5]
    confidence = 3.0 * np.log1p(new)
    # Hu, Koren & Volinsky, eq. 4; implicit takes α·r itself for c where something was done, and 1 elsewhere.
    there = new > 0
    left = y.T @ y + (y[there] * (confidence[there] - 1)[:, None]).T @ y[there] + 0.7 * np.eye(4)
    expected = np.linalg.solve(left, (y[there] * confidence[there][:, None]).sum(axis=0))
    np.testing.assert_allclose(model.users(csr_matrix(new[None]))[0], expected, rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("method", ["als", "svd"])
def test_a_new_item_is_folded_in_beside_those_who_buy_it(method: str) -> None:
    matrix = two_tastes(np.random.default_rng(5))
    settings = ProfileSettings(dimension=8, content_dimension=4, method=method, regularization=0.1)
    model = FactorModel.fit(matrix, settings)
    bought = np.zeros((80, 2))
    bought[:30, 0] = 1.0  # by the first half; the other by nobody
    grown = model.with_new_items(csr_matrix(np.hstack([matrix.toarray(), bought])))
    np.testing.assert_array_equal(grown.items[:20], model.items)
    scores = grown.users(matrix) if method == "als" else model.users(matrix)
    fresh = scores @ grown.items[20]
    assert fresh[:40].mean() > 5 * abs(fresh[40:].mean())
    assert not grown.items[21].any()


def test_the_blend_is_the_weighted_cosine() -> None:
    rng = np.random.default_rng(6)
    f, c = rng.normal(size=(2, 3)).astype(np.float32), rng.normal(size=(2, 5)).astype(np.float32)
    made = blended(f, c, 0.3)

    def cosine(rows: np.ndarray) -> float:
        return float(rows[0] @ rows[1] / np.linalg.norm(rows[0]) / np.linalg.norm(rows[1]))

    assert float(made[0] @ made[1]) == pytest.approx(0.3 * cosine(c) + 0.7 * cosine(f), abs=1e-6)
    assert made.dtype == np.float32


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_who_has_one_half_alone_has_a_unit_vector_of_it(share: float) -> None:
    f, c = np.float32([[1, 1], [0, 0], [0, 0]]), np.float32([[0, 0], [2, 0], [0, 0]])
    made = blended(f, c, share)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), [1, 1, 0], atol=1e-6)
    assert not made[0, 2:].any()
    assert not made[1, :2].any()


def test_a_searcher_without_a_purchase_is_near_what_was_searched_for() -> None:
    products = Products.of([Product(f"p{n}", text, (), "", None) for n, text in enumerate(TEXTS)])
    rows = [(f"u{n}", f"p{(n * 7 + k) % 12}", "purchase", float(k), None) for n in range(30) for k in range(4)]
    table = events(*rows, ("seeker", None, "search", 1, "running shoes"))
    made = make(table, products, ProfileSettings(dimension=16, content_dimension=8), NOW)
    vector = made.vectors[made.users.index("seeker")]
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert not vector[:8].any(), "no factors"
    best = np.argsort(-(made.item_vectors[:, 8:] @ vector[8:]))[:4]
    assert {made.items[row] for row in best} == {"p4", "p5", "p6", "p7"}


def test_settings_out_of_range_are_refused() -> None:
    for wrong in ({"dimension": 1}, {"content_share": 1.5}, {"method": "magic"}, {"half_life_days": 0.0}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            ProfileSettings(**wrong)  # type: ignore[arg-type]
    settings = ProfileSettings(alpha=2.0)
    assert ProfileSettings.from_json(settings.to_json()) == settings
