"""Choose an embedder by the name given on the command line."""

from __future__ import annotations

from pathlib import Path

from generators.embeddings.chargram import ChargramEmbedder
from generators.embeddings.embedder import Embedder
from generators.embeddings.encoder import EncoderEmbedder


def embedder_named(name: str, dimension: int = 0) -> Embedder:
    """Return `chargram`, `minilm`, or an encoder of transformers from a folder.

    Args:
        name: One of the two, or a path. A folder's encoder is taken to know every language: whoever chose it knows.
        dimension: Length of the vectors; 0 is 64 for chargram and the model's own otherwise.

    Raises:
        InvalidInput: There is no such embedder, or the dimension does not fit it.
    """
    if name == "chargram":
        return ChargramEmbedder(dimension or 64)
    if name == "minilm":
        return EncoderEmbedder.minilm(dimension)
    folder = Path(name).expanduser()
    return EncoderEmbedder(folder, name=folder.name, languages=frozenset({"en", "zh"}), dimension=dimension)
