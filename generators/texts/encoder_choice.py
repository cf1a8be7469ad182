"""Which encoder a saved head stands on, and how it is found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.core.errors import InvalidInput
from generators.embeddings import ChargramEmbedder, Embedder, EncoderEmbedder, embedder_named
from generators.texts.model_folder import folder_digest


def described(embedder: Embedder, folder: Path | None = None) -> dict[str, Any]:
    """Describe an encoder for a manifest.

    Args:
        embedder: The encoder.
        folder: Its files, for an encoder that came from a folder; its digest is noted.
    """
    document: dict[str, Any] = {"name": embedder.name, "dimension": embedder.dimension}
    if folder is not None:
        document |= {"folder": str(folder), "digest": folder_digest(folder)}
    return document


def found(document: dict[str, Any], given: Embedder | None = None) -> Embedder:
    """Find the encoder that a manifest describes.

    Args:
        document: What `described` wrote.
        given: An encoder to use, if it is the one.

    Raises:
        InvalidInput: It is another one, it changed, or it cannot be found.
    """
    name = str(document["name"])
    if given is None:
        given = _by_name(name, document)
    if given.name != name or given.dimension != document["dimension"]:
        message = f"expected {name} of length {document['dimension']}, got {given.name} of {given.dimension}"
        raise InvalidInput(f"{message}; give the encoder that the head was trained on", field="encoder")
    return given


def _by_name(name: str, document: dict[str, Any]) -> Embedder:
    if name.startswith("chargram-"):
        return ChargramEmbedder(int(document["dimension"]))
    if name.startswith("minilm-"):
        return EncoderEmbedder.minilm(int(document["dimension"]) if "-p" in name else 0)
    if "folder" not in document:
        raise InvalidInput(f"expected the encoder {name}, which has no folder of its own; give it", field="encoder")
    folder = Path(document["folder"])
    if not folder.is_dir() or folder_digest(folder) != document["digest"]:
        message = f"expected the encoder {name} as it was at {folder}; put it back, or train the head again"
        raise InvalidInput(message, field="encoder")
    return embedder_named(str(folder), int(document["dimension"]) if "-p" in name else 0)
