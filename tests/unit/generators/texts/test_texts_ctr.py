"""Click models against known truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.core.arm import ChannelId, VariantId
from engine.core.errors import CorruptState, InvalidInput, UnsupportedVersion
from engine.core.variant import Variant
from generators.embeddings import ChargramEmbedder
from generators.texts import CopyOutcome, CtrModel, copy_texts, fit_ctr, outcomes_of_log
from generators.texts.ctr_fitting import effect_variance
from generators.texts.scores import auc, binomial_log_loss, bootstrap, pairwise, reliability

GOOD, DULL = ["tea", "cup", "mug", "pot"], ["tax", "form", "file", "desk"]
ENCODER = ChargramEmbedder(64)


def shop(seed: int, effect: float, tests: int = 150, impressions: int = 2000) -> list[CopyOutcome]:
    """Tests of four copies each; a word of GOOD adds to the logit, tests differ in their level."""
    draw = np.random.default_rng(seed)
    found = []
    for test in range(tests):
        level = draw.normal(-3.5, 0.7)
        for _ in range(4):
            good = draw.random() < 0.5
            words = [str(w) for w in draw.choice(["red", "blue", "warm", "new", "late"], 3)]
            words.insert(1, str(draw.choice(GOOD if good else DULL)))
            p = 1 / (1 + np.exp(-(level + effect * good)))
            found.append(CopyOutcome(" ".join(words), f"t{test}", impressions, float(draw.binomial(impressions, p))))
    return found


def test_words_that_are_clicked_are_learned_whatever_the_tests_level() -> None:
    model = fit_ctr(shop(1, 0.4), ENCODER)
    plain = CtrModel(ENCODER, model.weights, model.centre, model.base)
    good, dull = plain.predict([f"red {w} blue" for w in GOOD]), plain.predict([f"red {w} blue" for w in DULL])
    assert good.min() > dull.max()
    gap = np.log(good / (1 - good)).mean() - np.log(dull / (1 - dull)).mean()
    assert gap == pytest.approx(0.4, abs=0.12), "ridge leaves it a little below the truth"
    held = shop(2, 0.4)
    pairs, right, _ = pairwise(held, plain.predict([o.text for o in held]))
    assert right.sum() / pairs.sum() > 0.6


def test_nothing_to_learn_is_learned_as_nothing() -> None:
    model = fit_ctr(shop(3, 0.0), ENCODER)
    held = shop(4, 0.0)
    predicted = CtrModel(ENCODER, model.weights, model.centre, model.base).predict([o.text for o in held])
    assert np.std(np.log(predicted / (1 - predicted))) < 0.02
    base = sum(o.successes for o in held) / sum(o.trials for o in held)
    assert binomial_log_loss(held, predicted) < binomial_log_loss(held, np.full(len(held), base)) + 2e-3


def test_few_data_stay_with_the_prior() -> None:
    prior = fit_ctr(shop(5, 0.4), ENCODER)
    few = [
        CopyOutcome(text, "email/am", 30, s) for text, s in (("red tea blue", 1), ("red tax blue", 1), ("warm pot", 0))
    ]
    model = fit_ctr(few, ENCODER, prior=prior)
    assert np.allclose(model.weights, prior.weights)
    assert model.base == pytest.approx(np.log((2 / 90) / (1 - 2 / 90)))
    assert np.allclose(fit_ctr(few, ENCODER).weights, 0.0)
    with pytest.raises(InvalidInput, match="prior on chargram-32"):
        fit_ctr(few, ChargramEmbedder(32), prior=prior)


def test_a_copys_own_clicks_count_by_how_many_they_are() -> None:
    """A copy's effect is drawn anew and not in its words; empirical Bayes beats both extremes."""
    draw = np.random.default_rng(6)
    effects = draw.normal(0, 0.5, 200)
    p = 1 / (1 + np.exp(-(-2.0 + effects)))
    trials = draw.choice([50, 5000], 200)
    rows = [
        CopyOutcome(f"c{i:03d}", "email/am", n, draw.binomial(n, q))
        for i, (n, q) in enumerate(zip(trials, p, strict=True))
    ]
    model = fit_ctr(rows, ENCODER)
    predicted = model.predict([o.text for o in rows])
    raw = np.array([(o.successes + 0.5) / (o.trials + 1) for o in rows])

    def error(values: np.ndarray) -> float:
        return float(np.mean((np.log(values / (1 - values)) - (-2.0 + effects)) ** 2))

    assert error(predicted) < error(raw)
    assert error(predicted) < error(np.full(200, p.mean()))


def test_variance_of_effects_by_moments() -> None:
    draw = np.random.default_rng(0)
    information = np.full(20_000, 25.0)
    effects = draw.normal(0, 0.3, 20_000) + draw.normal(0, 0.2, 20_000)
    assert effect_variance(effects, information) == pytest.approx(0.09, abs=0.005)
    assert effect_variance(draw.normal(0, 0.1, 500), information[:500]) == 0.0


def log_row(number: int, arm: str, p: float, *kinds: str, **more: object) -> str:
    outcomes = [{"type": kind} for kind in kinds]
    row = {"decision_id": f"d{number}", "arm": arm, "propensity": p, "eligible": [arm], "outcomes": outcomes, **more}
    return json.dumps(row)


def test_rates_of_a_log_by_propensity_and_by_count(tmp_path: Path) -> None:
    rows = [
        log_row(1, "a/email/am", 0.5, "click", "click"), log_row(2, "a/email/am", 0.25), log_row(3, "hold", 0.25),
        log_row(4, "a/email/am", 0.5, "not_sent"), log_row(5, "a/email/am", 0.1, "click", mode="shadow"),
        log_row(6, "b/push/am", 0.5, "click", count=3), log_row(7, "unknown/email/am", 0.5),
    ]  # fmt: skip
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(rows) + "\n")
    texts = {("a", "email"): "A", ("b", "push"): "B"}
    a, b = outcomes_of_log(path, texts)
    # Weights 2 and 4: rate 2/6, effective trials 36/20.
    assert (a.text, a.group, a.copy) == ("A", "email/am", "a")
    assert a.trials == pytest.approx(36 / 20)
    assert a.successes / a.trials == pytest.approx(1 / 3)
    assert (b.trials, b.successes) == (pytest.approx(3), pytest.approx(3))
    plain, _ = outcomes_of_log(path, texts, weighting="impressions")
    assert (plain.trials, plain.successes) == (2, 1)
    with pytest.raises(InvalidInput, match="variants"):
        outcomes_of_log(path, {("c", "email"): "C"})


def test_a_parquet_log_reads_the_same(tmp_path: Path) -> None:
    from simulator.parquet_table import ParquetTypes, write_parquet

    records = [json.loads(log_row(n, "a/email/am", 0.5, *["click"] * (n % 2), user=f"u{n}")) for n in range(8)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    types = ParquetTypes()
    for record in records:
        types.see(record)
    write_parquet(tmp_path / "log.parquet", records, types)
    texts = {("a", "email"): "A"}
    assert outcomes_of_log(tmp_path / "log.parquet", texts) == outcomes_of_log(tmp_path / "log.jsonl", texts)


def test_newer_logs_and_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(log_row(1, "a/email/am", 0.5, schema="armsreach.decision.v2"))
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        outcomes_of_log(path, {})
    path.write_text('{"text": "a comment"}')
    with pytest.raises(InvalidInput, match="decision_id"):
        outcomes_of_log(path, {})


def test_copy_of_variants_by_channel() -> None:
    variant = Variant(
        VariantId("a"), channels={ChannelId("push"): {"title": "Hi", "body": "Tea"}, ChannelId("sms"): {}}
    )
    assert copy_texts([variant]) == {("a", "push"): "Hi\nTea"}


def test_a_model_comes_back_from_its_folder(tmp_path: Path) -> None:
    model = fit_ctr(shop(7, 0.4, tests=40), ENCODER)
    texts = ["red tea blue", "late tax red", "never seen"]
    model.save(tmp_path / "m", training={"digest": "d", "texts": 160}, metrics={"pairwise": 0.6})
    again = CtrModel.load(tmp_path / "m")
    assert again.name == model.name == "ctr-chargram-64"
    assert np.array_equal(again.predict(texts), model.predict(texts))
    assert again.at("t1").predict(texts) == pytest.approx(model.at("t1").predict(texts))
    with pytest.raises(InvalidInput, match="does not exist yet"):
        model.save(tmp_path / "m", training={})
    with pytest.raises(InvalidInput, match="chargram-32"):
        CtrModel.load(tmp_path / "m", ChargramEmbedder(32))
    manifest = json.loads((tmp_path / "m" / "manifest.json").read_text())
    assert manifest["metrics"] == {"pairwise": 0.6}
    (tmp_path / "m" / "manifest.json").write_text(json.dumps({**manifest, "schema": "armsreach.text-model.v2"}))
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        CtrModel.load(tmp_path / "m")
    (tmp_path / "m" / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "m" / "ctr.json").write_text("{}")
    with pytest.raises(CorruptState):
        CtrModel.load(tmp_path / "m")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m"], "nothing half-written is left"


def test_scores_by_hand() -> None:
    assert auc(np.array([3.0, 2.0, 1.0, 2.0]), np.array([True, True, False, False])) == pytest.approx(3.5 / 4)
    rows = [
        CopyOutcome("a", "t", 10, 5),
        CopyOutcome("b", "t", 10, 1),
        CopyOutcome("c", "t", 10, 5),
        CopyOutcome("d", "u", 10, 1),
    ]
    pairs, right, names = pairwise(rows, np.array([0.5, 0.1, 0.1, 0.9]))
    assert (names, pairs.tolist(), right.tolist()) == (["t", "u"], [2.0, 0.0], [1.5, 0.0])
    low, high = bootstrap(lambda drawn: float(drawn @ np.array([0.0, 1.0]) / drawn.sum()), 2)
    assert (low, high) == (0.0, 1.0)
    (first, _), seen = reliability(rows, np.array([0.1, 0.2, 0.3, 0.4]), 2), [6 / 20, 6 / 20]
    assert first[:2] == (pytest.approx(0.15), pytest.approx(seen[0]))
