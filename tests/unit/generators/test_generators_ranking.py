"""Scores against hand-computed ones, and who is picked."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.core.errors import InvalidInput
from generators.brief import Brief
from generators.candidate import Candidate
from generators.draft import Draft
from generators.embeddings import ChargramEmbedder
from generators.hooks import HookRequest
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.ranking import BriefFit, Diversity, Fluency, NearCopies, Ranker
from generators.selection import Selection

MUG = Brief("mug", Product("Stoneware Mug", 2400, "USD", "Halden", "Kitchen"), Offer(OfferKind.PERCENT, percent=25))


def candidate(hook: str, index: int = 0, brief: Brief = MUG) -> Candidate:
    return Candidate(
        HookRequest(brief, "warm", index, 0), Draft({"push": {"title": hook}}, hook, "warm", "hook"), "model", "1"
    )


class Given:
    """Scores that a test states."""

    version = "1"

    def __init__(self, name: str, values: dict[str, float]) -> None:
        self.name, self._values = name, values

    def score(self, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
        return np.array([self._values.get(item.text, np.nan) for item in candidates])


def totals(ranker: Ranker, candidates: list[Candidate]) -> list[float]:
    return ranker.totals(ranker.scores(candidates), len(candidates)).tolist()


def test_totals_are_weighted_means_of_standard_scores() -> None:
    three = [candidate(hook) for hook in "abc"]
    # Mean 2, standard deviation sqrt(2/3): -sqrt(3/2), 0, sqrt(3/2). The second stands the other way round.
    ranker = Ranker(
        [Given("fluency", {"a": 1, "b": 2, "c": 3}), Given("fit", {"a": 9, "b": 6, "c": 3})],
        {"fluency": 3.0, "fit": 1.0},
    )
    assert totals(ranker, three) == pytest.approx([-(1.5**0.5) / 2, 0.0, 1.5**0.5 / 2])


def test_a_score_that_is_missing_counts_as_average_and_equal_scores_decide_nothing() -> None:
    three = [candidate(hook) for hook in "abc"]
    ranker = Ranker([Given("fluency", {"a": 1, "c": 3}), Given("fit", dict.fromkeys("abc", 0.1 + 0.2))])
    assert totals(ranker, three) == pytest.approx([-2 / 3, 0.0, 2 / 3])


def test_weights_are_checked() -> None:
    with pytest.raises(InvalidInput, match=r"weights\.speed"):
        Ranker([Given("speed", {})])
    with pytest.raises(InvalidInput, match="above 0"):
        Ranker([Given("fit", {})], {"fit": 0.0})


def test_diversity_takes_likeness_off_the_score() -> None:
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32)
    nothing = vectors[:0]
    diversity = Diversity(penalty=1.0, most_alike=0.9)
    scores = np.array([0.5, 0.4, 0.0])
    assert diversity.best(scores, vectors, nothing) == 0
    # Beside the first: 0.5 - 1 (the same thing twice, out), 0.4 - 0.8, 0 - 0.
    assert diversity.best(scores, vectors, vectors[:1]) == 2
    assert diversity.best(scores[:1], vectors[:1], vectors[:1]) is None


def test_selection_picks_the_best_that_is_new_and_ranks_what_it_picked() -> None:
    pool = [
        candidate("A quiet cup for slow mornings."),
        candidate("A quiet cup for slow mornings!", 1),
        candidate("Say hello to the weekend.", 1),
    ]
    given = {pool[0].text: 1.0, pool[1].text: 3.0, pool[2].text: 2.0}
    selection = Selection(Ranker([Given("fit", given)]), Diversity(), pool)
    assert selection.pick([pool[0]])
    # The second scores best and says what the first says.
    assert selection.pick(pool[1:])
    assert not selection.pick(pool[1:2])
    assert selection.alike == 1
    outside = candidate("Something kind at the end of a long day.", 2)
    assert selection.pick([outside])
    assert [(item.text, scores.get("fit")) for item, scores in selection.best()] == [
        (pool[2].text, 2.0),
        (outside.text, None),
        (pool[0].text, 1.0),
    ]


@pytest.mark.parametrize(
    ("hook", "copies"),
    [
        ("A quiet cup, for slow mornings!", True),
        ("a quiet cup for slow morning", True),
        ("Psst: a quiet cup for slow mornings, friend.", True),
        ("Say hello to the weekend.", False),
        ("慢下来，给自己泡一杯茶吧。", True),
        ("给自己一个晚上。", False),
        ("", False),
    ],
)
def test_near_copies_of_examples_are_found(hook: str, copies: bool) -> None:
    examples = NearCopies(["A quiet cup for slow mornings.", "慢下来，给自己泡一杯茶", ""])
    assert bool(examples.reason(hook)) is copies


def test_fit_is_the_cosine_with_the_product() -> None:
    embedder = ChargramEmbedder(256)
    hooks = [candidate("Your stoneware mug awaits."), candidate("Say hello to the weekend.")]
    scores = BriefFit(embedder).score(hooks)
    about = embedder.embed(["Kitchen. Stoneware Mug"])[0].astype(float)
    assert scores == pytest.approx([float(embedder.embed([h.text])[0].astype(float) @ about) for h in hooks], abs=1e-6)
    assert scores[0] > scores[1]


class Letters:
    """A tokenizer of single letters."""

    bos_token_id = None
    eos_token_id = 0

    def __call__(self, text: str, add_special_tokens: bool) -> dict[str, list[int]]:
        return {"input_ids": [ord(c) - 96 for c in text]}


def test_fluency_is_the_mean_log_probability_and_padding_does_not_matter() -> None:
    torch = pytest.importorskip("torch")
    table = torch.randn(27, 27, generator=torch.Generator().manual_seed(3))

    class Bigrams:
        device = "cpu"

        def __call__(self, input_ids: Any) -> Any:
            return SimpleNamespace(logits=table[input_ids])

    judge = Fluency(Bigrams(), Letters(), version="bigrams", languages=frozenset({"en"}))
    chinese = Brief("b", MUG.product, language="zh")
    scores = judge.score([candidate("ab"), candidate("abcdefgh"), candidate("ab", brief=chinese)])
    log = torch.log_softmax(table, dim=1)
    assert scores[0] == pytest.approx(float(log[0, 1] + log[1, 2]) / 2, abs=1e-6)
    assert scores[1] == pytest.approx(float(sum(log[i, i + 1] for i in range(8))) / 8, abs=1e-6)
    assert np.isnan(scores[2])
