"""Metrics by hand and against scikit-learn; splits; intervals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import ndcg_score

from engine.core.errors import InvalidInput
from engine.profiles import ProfileSettings
from engine.profiles.evaluation.bootstrap import interval, resampling_weights
from engine.profiles.evaluation.evaluate import RANKERS, evaluate
from engine.profiles.evaluation.hold_out import HoldOut
from engine.profiles.evaluation.ranking_metrics import hits_and_ndcg, top
from engine.profiles.evaluation.tuning import tune
from engine.profiles.event_fields import SCHEMA
from engine.profiles.products import no_products

START = datetime(2026, 3, 1, tzinfo=UTC)


def test_metrics_by_hand() -> None:
    relevant = np.array([[0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=bool)
    shown = np.array([[0, 1], [2, 0], [0, 1]])
    hit, ndcg = hits_and_ndcg(shown, relevant)
    assert hit.tolist() == [1, 1, 0]
    # Two relevant, one at rank 2: (1/log₂3) / (1 + 1/log₂3); one relevant at rank 2: 1/log₂3; none.
    np.testing.assert_allclose(ndcg, [0.6309298 / 1.6309298, 0.6309298, 0], atol=1e-6)


def test_the_best_come_first_and_equals_in_order() -> None:
    scores = np.array([[1.0, 3.0, 3.0, 2.0, 3.0], [0.0, 0.0, 0.0, 0.0, -np.inf]])
    assert top(scores, 3).tolist() == [[1, 2, 4], [0, 1, 2]]
    assert top(scores, 99).shape == (2, 5)


def test_ndcg_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    scores, relevant = rng.normal(size=(50, 40)), rng.random((50, 40)) < 0.1
    relevant[:, 0] |= ~relevant.any(axis=1)
    _, ndcg = hits_and_ndcg(top(scores, 10), relevant)
    expected = [ndcg_score(relevant[row : row + 1], scores[row : row + 1], k=10) for row in range(50)]
    np.testing.assert_allclose(ndcg, expected)


def test_the_interval_is_that_of_the_normal_where_there_are_many() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(5.0, 2.0, 900)
    found = interval(values, resampling_weights(900, 4000, 2))
    half = 1.96 * values.std() / 30
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.01)
    assert found.high == pytest.approx(values.mean() + half, abs=0.01)


def purchases(*rows: tuple[str, str, float]) -> pl.DataFrame:
    """User, item, days from the start of what is foreseen."""
    full = [(u, i, "purchase", START + timedelta(days=d), 1.0, None, None) for u, i, d in rows]
    return pl.DataFrame(full, schema=SCHEMA, orient="row")


def test_what_is_ranked_and_who_is_asked_about_by_hand() -> None:
    rows = [("a", "x", -3), ("a", "x", -2), ("a", "y", -1), ("b", "y", -1), ("c", "y", -1), ("c", "z", -1)]
    after = [("a", "z", 1.0), ("b", "y", 1.0), ("b", "new", 1.0), ("c", "new", 2.0), ("d", "x", 1.0), ("a", "x", 99.0)]
    hold_out = HoldOut.split(purchases(*rows, *after), START, START + timedelta(days=10))
    settings = ProfileSettings(dimension=4, content_dimension=0)
    found = evaluate(hold_out, no_products(), settings, rankers=["popularity", "personal"])
    # Of the four buyers, c buys nothing that was there before, and d was not there before.
    assert (found.shoppers, found.left_out, found.candidates) == (2, 2, 3)
    # Popularity: y (3 shoppers), then x and z (1 each, by name). a's z is third: 1/log₂4; b's y is first.
    np.testing.assert_allclose(found.ranked["popularity"].ndcg, [0.5, 1.0])
    assert found.ranked["personal"].ndcg.tolist() == pytest.approx([0.5, 1.0])
    novel = evaluate(hold_out, no_products(), settings, rankers=["popularity"], novel=True)
    # a knows x and y, so that z alone is left; b knows y, and buys nothing else that is known.
    assert (novel.shoppers, novel.ranked["popularity"].ndcg.tolist()) == (1, [1.0])


def tastes(rng: np.random.Generator) -> pl.DataFrame:
    """Two kinds of shoppers, who go on as they began."""
    rows = []
    for n in range(120):
        own = (n % 2) * 30
        for day in rng.uniform(-60, 10, 25):
            rows.append((f"u{n}", f"i{own + int(rng.integers(0, 30))}", float(day)))
    return purchases(*rows)


def test_profiles_beat_popularity_where_there_is_something_to_learn() -> None:
    hold_out = HoldOut.split(tastes(np.random.default_rng(2)), START, START + timedelta(days=10))
    settings = ProfileSettings(dimension=8, content_dimension=0, regularization=1.0)
    for novel in (False, True):
        found = evaluate(hold_out, no_products(), settings, novel=novel)
        assert set(found.ranked) == set(RANKERS)
        assert found.difference("factors", "popularity")["ndcg@10"].low > 0
        assert found.difference("blend", "blend")["ndcg@10"].high == 0
        assert found.table()["blend", "ndcg@10"].low < found.table()["blend", "ndcg@10"].value


def test_tuning_finds_that_the_cosine_helps() -> None:
    hold_out = HoldOut.split(tastes(np.random.default_rng(3)), START, START + timedelta(days=10))
    base = ProfileSettings(dimension=8, content_dimension=0, regularization=1.0, sharpness=0.0)
    best = tune(hold_out, no_products(), base, fitted={"alpha": (1.0, 5.0)}, used={"sharpness": (0.0, 3.0)})
    assert best.settings.sharpness == 3.0


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(InvalidInput, match="--test-days: no purchases from"):
        HoldOut.split(purchases(("a", "x", -1)), START, START + timedelta(days=1))
