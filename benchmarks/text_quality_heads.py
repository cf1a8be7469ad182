"""Quality heads on copy held out, by kind of corruption."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from generators.embeddings import Embedder
from generators.texts.corruptions import TRAINED, UNSEEN
from generators.texts.quality import QualityModel, corrupted
from generators.texts.quality_training import english_lines
from generators.texts.scores import auc, bootstrap

TEXTS = 300
TRAINING = 600
SEED = 5


def measure_heads(archive: Path, data: Path, encoders: Sequence[Embedder]) -> None:
    english = _some(english_lines(archive, held_out=True))
    _measure(QualityModel.packaged("en"), "packaged", english)
    training = _some(english_lines(archive), TRAINING)
    for encoder in encoders:
        _measure(
            QualityModel.trained(training, "en", encoder, seed=SEED), f"{encoder.name}, {TRAINING} headlines", english
        )
    advertisements = data / "advertisegen_zh" / "AdvertiseGen_dev.jsonl.gz"
    if advertisements.is_file():
        with gzip.open(advertisements, "rt", encoding="utf-8") as file:
            chinese = _some([json.loads(line)["summary"] for line in file])
        _measure(QualityModel.packaged("zh"), "packaged", [text.split("。")[0] + "。" for text in chinese])


def _some(lines: list[str], count: int = TEXTS) -> list[str]:
    return [lines[i] for i in sorted(np.random.default_rng(SEED).permutation(len(lines))[:count])]


def _measure(model: QualityModel, name: str, good: list[str]) -> None:
    scores = model.score(good)
    for seen, kinds in (("trained", TRAINED), ("unseen", UNSEEN)):
        for kind, corruption in kinds.items():
            bad = model.score(corrupted(good, model.language, {kind: corruption}, SEED))
            low, high = _interval(scores, bad)
            print(
                f"RESULT quality {model.language} {name} {seen} {kind} auc {_auc(scores, bad):.3f}"
                f" [{low:.3f}, {high:.3f}]"
                f" mean_good {scores.mean():.2f} mean_broken {bad.mean():.2f}",
                flush=True,
            )


def _auc(good: np.ndarray, bad: np.ndarray) -> float:
    return auc(np.concatenate([good, bad]), np.repeat([True, False], [len(good), len(bad)]))


def _interval(good: np.ndarray, bad: np.ndarray) -> tuple[float, float]:
    """Draw texts whole, each with its corruption."""

    def drawn(counts: np.ndarray) -> float:
        rows = np.repeat(np.arange(len(good)), counts.astype(int))
        return _auc(good[rows], bad[rows])

    return bootstrap(drawn, len(good))
