"""A tiny BERT, made here, is trained as a whole, saved and loaded back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from generators.texts import FineTuned, TuningOptions, fine_tune

WORDS = ["tea", "cup", "mug", "pot", "tax", "form", "file", "desk", "red", "blue", "warm", "new"]
TEXTS = [f"{a} {b}" for a in WORDS[:8] for b in WORDS[8:]]
TARGETS = np.array([0 if text.split()[0] in WORDS[:4] else 1 for text in TEXTS])
OPTIONS = TuningOptions(epochs=12, batch=8, learning_rate=5e-3, longest=8, seed=3)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("bert") / "tiny"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]) + "\n")
    BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=5 + len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
            max_position_embeddings=16,
        )  # fmt: skip
        BertModel(config).save_pretrained(folder)
    return folder


def test_it_learns_the_same_each_time_and_comes_back(tiny: Path, tmp_path: Path) -> None:
    import torch

    state = torch.random.get_rng_state()
    steps: list[tuple[int, int]] = []
    tuned = fine_tune(tiny, TEXTS, TARGETS, ("drink", "duty"), OPTIONS, lambda done, total: steps.append((done, total)))
    said = tuned.probabilities(TEXTS)
    assert said.sum(axis=1) == pytest.approx(1.0)
    assert (said.argmax(axis=1) == TARGETS).mean() > 0.95
    assert steps[-1] == (48, 48)
    assert torch.equal(torch.random.get_rng_state(), state), "nobody else's draws change"
    again = fine_tune(tiny, TEXTS, TARGETS, ("drink", "duty"), OPTIONS)
    assert np.array_equal(again.probabilities(TEXTS), said)
    tuned.save(tmp_path / "m", training={"digest": "x", "texts": len(TEXTS)}, metrics={"accuracy": 1.0})
    loaded = FineTuned.load(tmp_path / "m")
    assert np.allclose(loaded.probabilities(TEXTS), said, atol=1e-6)
    assert (loaded.labels, loaded.name) == (("drink", "duty"), tuned.name)


def test_wrong_targets_and_folders_are_named(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"\(2, 2\)"):
        fine_tune(tiny, ["a", "b"], np.zeros((1, 2)), ("a", "b"))
    with pytest.raises(InvalidInput, match="config"):
        fine_tune(tmp_path, ["a"], np.array([0]), ("a", "b"))
