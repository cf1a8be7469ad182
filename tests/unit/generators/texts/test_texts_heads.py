"""Heads: calibration, files, quality and intent."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import CorruptState, InvalidInput, UnsupportedVersion
from generators.embeddings import ChargramEmbedder
from generators.texts import LogisticHead, QualityModel, TextClassifier, fit_head, load_head, save_head
from generators.texts.corruptions import TRAINED, UNSEEN
from generators.texts.fitting import folds_of, log_loss
from generators.texts.head import squashed
from generators.texts.phrase_features import PhraseFeatures
from generators.texts.pooling import fit_pooled
from generators.texts.quality import corrupted


def test_probabilities_by_hand() -> None:
    head = LogisticHead(("a", "b"), np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0.0, 1.0]), temperature=2.0)
    vectors = np.array([[1.0, 1.0]])
    odds = np.exp((3.0 - 1.0) / 2.0)
    assert head.probabilities(vectors)[0, 1] == pytest.approx(odds / (1 + odds))
    several = LogisticHead(head.labels, head.weights, head.bias, 2.0, several=True)
    assert several.probabilities(vectors)[0] == pytest.approx(1 / (1 + np.exp([-0.5, -1.5])))
    assert squashed(np.array([[800.0, -800.0]]), several=False).tolist() == [[1.0, 0.0]]
    with pytest.raises(InvalidInput, match="length 2"):
        head.probabilities(np.zeros((1, 3)))


def test_a_head_comes_back_from_its_document() -> None:
    head = LogisticHead(("a", "b"), np.array([[0.5, -0.25], [0.125, 3.0]]), np.array([1.0, -1.0]), 1.5, several=True)
    again = LogisticHead.from_document(json.loads(json.dumps(head.to_document())))
    assert np.array_equal(again.weights, head.weights)
    assert (again.labels, again.temperature, again.several) == (head.labels, 1.5, True)
    with pytest.raises(InvalidInput, match="train again"):
        LogisticHead.from_document({"labels": ["a"]})


def logistic_world(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 6))
    p = 1 / (1 + np.exp(-(x @ np.array([1.5, -1.0, 0.5, 0, 0, 0]) - 0.5)))
    return x, (draw.random(rows) < p).astype(int), p


def test_a_fitted_head_knows_the_true_probabilities() -> None:
    x, y, _ = logistic_world(1500, 1)
    head = fit_head(x, y, ("no", "yes"))
    unseen, outcome, p = logistic_world(4000, 2)
    said = head.probabilities(unseen)[:, 1]
    assert np.abs(said - p).mean() < 0.03
    for low, high in ((0.0, 0.3), (0.3, 0.7), (0.7, 1.0)):
        inside = (said >= low) & (said < high)
        assert outcome[inside].mean() == pytest.approx(said[inside].mean(), abs=0.05)


def test_labels_that_are_independent_are_fitted_one_by_one() -> None:
    x, y, p = logistic_world(1200, 3)
    other = (x[:, 3] > 0).astype(int)
    head = fit_head(x, np.stack([y, other], axis=1), ("y", "other"), several=True)
    said = head.probabilities(x)
    assert np.abs(said[:, 0] - p).mean() < 0.05
    assert ((said[:, 1] > 0.5) == (other == 1)).mean() > 0.97


def test_pooled_parts_add_up_to_the_truth_where_they_are_independent() -> None:
    """Two independent halves of evidence: pooling is right, so it is calibrated and better than each half."""
    draw = np.random.default_rng(4)
    y = (draw.random(4000) < 0.3).astype(int)
    x = draw.normal(size=(4000, 2)) + y[:, None] * np.array([1.0, 1.5])
    train, test = slice(0, 2000), slice(2000, 4000)
    pooled = fit_pooled(x[train], [1, 1], y[train], ("no", "yes"))
    truth = np.eye(2)[y[test]]
    loss = log_loss(pooled.probabilities(x[test]), truth, several=False)
    for part in (0, 1):
        half = fit_head(x[train, part : part + 1], y[train], ("no", "yes"))
        assert loss < log_loss(half.probabilities(x[test, part : part + 1]), truth, several=False)
    logit = np.log(0.3 / 0.7) + (x[test] @ np.array([1.0, 1.5])) - (1.0 + 1.5**2) / 2
    assert np.abs(pooled.probabilities(x[test])[:, 1] - 1 / (1 + np.exp(-logit))).mean() < 0.03
    with pytest.raises(InvalidInput, match="sum to 2"):
        fit_pooled(x, [1], y, ("no", "yes"))


def test_groups_stay_together_and_too_little_is_refused() -> None:
    folds = folds_of(["a", "b", "a", "c", "b", "d", "e"], 0)
    assert folds[0] == folds[2]
    assert folds[1] == folds[4]
    with pytest.raises(InvalidInput, match="at least 10"):
        fit_head(np.zeros((4, 2)), np.array([0, 1, 0, 1]), ("a", "b"))
    with pytest.raises(InvalidInput, match="'c'"):
        fit_head(np.zeros((12, 2)), np.array([0, 1] * 6), ("a", "b", "c"))


def test_heads_in_folders(tmp_path: Path) -> None:
    texts = [f"{word} {n}" for n in range(10) for word in ("tea", "tax")]
    model = TextClassifier.trained(ChargramEmbedder(64), texts, np.array([0, 1] * 10), ("drink", "duty"))
    save_head(model, tmp_path / "h", training={"digest": "x", "texts": 20})
    again = load_head(tmp_path / "h")
    assert np.abs(again.probabilities(texts) - model.probabilities(texts)).max() < 0.01, "half precision"
    with pytest.raises(InvalidInput, match="chargram-32"):
        load_head(tmp_path / "h", ChargramEmbedder(32))
    manifest = tmp_path / "h" / "manifest.json"
    newer = {**json.loads(manifest.read_text()), "schema": "armsreach.text-model.v9"}
    (tmp_path / "h" / "head.json").write_text("{}")
    with pytest.raises(CorruptState, match="changed"):
        load_head(tmp_path / "h")
    manifest.write_text(json.dumps(newer))
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        load_head(tmp_path / "h")


@pytest.mark.parametrize("kind", [*TRAINED, *UNSEEN])
@pytest.mark.parametrize(
    ("language", "text", "other"),
    [
        ("en", "A warm scarf that you can wear twice around your neck.", "Morning tea tastes better from a heavy cup."),
        ("zh", "这条围巾够长，可以绕两圈。", "清晨第一杯热茶，从这只粗陶杯开始。"),
    ],
)
def test_corruptions_corrupt_the_same_way_each_time(kind: str, language: str, text: str, other: str) -> None:
    kinds = {kind: {**TRAINED, **UNSEEN}[kind]}
    broken = corrupted([text, other], language, kinds, 1)
    assert broken[0] != text
    assert broken == corrupted([text, other], language, kinds, 1)


GOOD = {
    "en": [
        "The quiet way she answered him will stay with you for a long time.",
        "A warm cup of tea, and the rain can wait until the evening.",
    ],
    "zh": ["雨天也不怕，轻便折叠伞放进包里刚刚好。", "周末去露营，别忘了带上这块野餐垫。"],
}
BAD = {
    "en": [
        "time answered with she him way will The a long you quiet stay for",
        "A warm cup of tea, and the the the the",
        "A warm 优惠 cup of 现在购买 tea and",
    ],
    "zh": [
        "雨天也不怕，雨天也不怕，雨天也不怕，雨天",
        "周末去 the best 露营，别忘 buy now",
        "伞怕里刚，包折叠不轻天便好进刚也放雨",
    ],
}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_packaged_heads_tell_broken_from_whole(language: str) -> None:
    model = QualityModel.packaged(language)
    assert model.score(GOOD[language]).min() > model.score(BAD[language]).max()
    assert model.score([]).shape == (0,)
    assert model.name == f"quality-{language}-head-phrases-512"


def test_there_is_no_head_for_other_languages() -> None:
    with pytest.raises(InvalidInput, match="'fr'"):
        QualityModel.packaged("fr")


def test_phrases_see_order_and_not_topics() -> None:
    features = PhraseFeatures()
    straight, turned, other = features.embed(["you and the tea", "tea the and you", "you and the sea"])
    assert not np.allclose(straight, turned)
    assert np.linalg.norm(straight - other) < np.linalg.norm(straight - turned)
