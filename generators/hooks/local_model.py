"""Load a language model of transformers from a folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.core.errors import InvalidInput
from generators.hooks.int8 import quantise
from generators.model_libraries import model_libraries

# What the weights, the configuration and the tokenizer are kept in; other files of a folder change nothing.
_FILES = ("*.safetensors", "*.bin", "*.json", "*.model", "*.jinja", "vocab.txt", "merges.txt")
_SAMPLE_ZH = "给厨房添一点暖意，今天就从一杯热茶开始。"
# A tokenizer that was made for Chinese needs about a token for a character; one that was not needs two to three.
_CHEAP_TOKENS = 1.5


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that is ready to write, with what provenance has to say of it.

    Attributes:
        model: In evaluation mode, on its device.
        tokenizer: Its tokenizer.
        name: For provenance.
        digest: Twelve hexadecimal digits over weights, configuration, tokenizer and number format.
    """

    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    name: str
    digest: str

    @classmethod
    def load(cls, path: str | Path, *, name: str = "", int8: bool = False) -> LocalModel:
        """Read a folder as `save_pretrained` writes it; nothing is downloaded.

        With a GPU that torch can use, the model runs there in bfloat16; else on the CPU in float32.

        Args:
            path: The folder.
            name: For provenance; by default `local:` and the folder's name.
            int8: Keep the weights of linear layers in eight bits; for the CPU.

        Raises:
            InvalidInput: There is no such folder, no model that we can run in it, or int8 was asked for on a GPU.
        """
        folder = Path(path).expanduser()
        if not (folder / "config.json").is_file():
            message = f"expected a model folder with config.json at {folder}; save one with save_pretrained"
            raise InvalidInput(message, field="--backend local:PATH")
        torch, _ = model_libraries()
        on_gpu = torch.cuda.is_available()
        if int8 and on_gpu:
            raise InvalidInput("int8 is for the CPU; on a GPU the model runs in bfloat16", field="--backend")
        model, tokenizer = _read(folder, torch.bfloat16 if on_gpu else torch.float32)
        model = model.to("cuda" if on_gpu else "cpu").eval().requires_grad_(False)
        if int8:
            quantise(model)
        kind = "int8" if int8 else str(model.dtype).removeprefix("torch.")
        return cls(model, tokenizer, name or f"local:{folder.resolve().name}", _digest(folder, kind))

    @property
    def device(self) -> Any:
        """The device that inputs go to."""
        return self.model.device

    @property
    def reads_first(self) -> bool:
        """Whether an encoder reads the prompt (T5 family); else the model continues it."""
        return bool(self.model.config.is_encoder_decoder)

    @property
    def vocabulary_size(self) -> int:
        """Columns of the model's scores."""
        return int(self.model.config.get_text_config(decoder=True).vocab_size)

    @property
    def room(self) -> int:
        """Most tokens that the model can look at, or a million where nothing limits it."""
        config = self.model.config.get_text_config(decoder=True)
        limits = [getattr(config, name, None) for name in ("max_position_embeddings", "n_positions")]
        return min([limit for limit in limits if isinstance(limit, int) and limit > 0] or [1_000_000])

    @property
    def end_ids(self) -> tuple[int, ...]:
        """Tokens that end a text by the model's own settings."""
        ends = self.model.generation_config.eos_token_id
        return tuple(ends if isinstance(ends, list) else [ends] if ends is not None else [])

    @property
    def pad_id(self) -> int:
        """A token to fill rows up with; it is never looked at, so any will do where the tokenizer has none."""
        known = (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id, *self.end_ids, 0)
        return next(int(i) for i in known if i is not None)

    def languages(self) -> frozenset[str]:
        """Return what the tokenizer can spell: English always, Chinese where that is cheap and lossless."""
        ids = self.tokenizer(_SAMPLE_ZH, add_special_tokens=False)["input_ids"]
        back = self.tokenizer.decode(ids, skip_special_tokens=True).replace(" ", "")
        # Some tokenizers write full-width signs as narrow ones; the characters have to be there.
        same = "".join(c for c in back if c.isalpha()) == "".join(c for c in _SAMPLE_ZH if c.isalpha())
        cheap = len(ids) <= _CHEAP_TOKENS * len(_SAMPLE_ZH)
        return frozenset({"en", "zh"} if same and cheap else {"en"})


def _read(folder: Path, dtype: Any) -> tuple[Any, Any]:
    _, transformers = model_libraries()
    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
        reader = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model, info = reader.from_pretrained(folder, local_files_only=True, dtype=dtype, output_loading_info=True)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        message = f"expected a language model of transformers that writes text in {folder}, got: {reason}"
        raise InvalidInput(message, field="--backend") from error
    if info["missing_keys"]:
        message = f"{folder} lacks {len(info['missing_keys'])} weights, so the model would talk noise; save it again"
        raise InvalidInput(message, field="--backend")
    return model, tokenizer


def _digest(folder: Path, kind: str) -> str:
    """Read all that makes the model what it is (about a second for each gigabyte)."""
    total = hashlib.blake2b(kind.encode(), digest_size=6)
    for path in sorted({path for pattern in _FILES for path in folder.glob(pattern)}):
        with path.open("rb") as file:
            total.update(path.name.encode() + hashlib.file_digest(file, hashlib.blake2b).digest())
    return total.hexdigest()
