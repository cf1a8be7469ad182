"""Heads in folders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from generators.embeddings import Embedder
from generators.texts.classifier import TextClassifier
from generators.texts.encoder_choice import described, found
from generators.texts.head import LogisticHead
from generators.texts.model_folder import TextManifest, read_manifest, write_model

_HEAD = "head.json"


def save_head(
    model: TextClassifier,
    folder: Path,
    *,
    training: Mapping[str, object],
    metrics: Mapping[str, float] | None = None,
    encoder_folder: Path | None = None,
) -> None:
    """Write a head with its manifest, atomically.

    Args:
        model: The head on its encoder.
        folder: Where; it may not exist yet.
        training: `digest` and `texts` of the training data.
        metrics: What was measured on data held out.
        encoder_folder: Where the encoder came from, if from a folder.
    """
    manifest = TextManifest("head", described(model.embedder, encoder_folder), model.labels, training, metrics or {})
    document = json.dumps(model.head.to_document())
    write_model(folder, manifest, lambda staged: _write(staged / _HEAD, document))


def load_head(folder: Path, embedder: Embedder | None = None) -> TextClassifier:
    """Read a head back, on the encoder it was trained on.

    Raises:
        InvalidInput: There is none, or its encoder is another one.
        UnsupportedVersion: A newer armsreach wrote it.
        CorruptState: It was changed.
    """
    manifest = read_manifest(folder, "head")
    head = LogisticHead.from_document(json.loads((folder / _HEAD).read_text(encoding="utf-8")))
    return TextClassifier(found(dict(manifest.encoder), embedder), head)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
