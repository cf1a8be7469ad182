"""Hooks from any causal language model of transformers."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.core.errors import InvalidInput
from generators.hooks.prompt import HookPrompt
from generators.hooks.request import HookRequest
from generators.hooks.sampling import KeyedSampler, TokenMask
from generators.model_libraries import model_libraries


class CausalHooks:
    """Continues a few-shot prompt, with figures and signs masked out of the vocabulary.

    The shared beginning of the prompt is read once and its keys and values are repeated over the batch. Requests are
    padded on the left, between beginning and end. Each row draws from its own generator, so a request's hook does
    not depend on its neighbours in the batch but for rounding.
    """

    languages = frozenset({"en"})

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        name: str,
        candidates: int = 3,
        temperature: float = 0.5,
        batch: int = 48,
        max_new_tokens: int = 22,
    ) -> None:
        """Take a loaded model.

        Args:
            model: A causal model of transformers, in evaluation mode.
            tokenizer: Its tokenizer; padded on the left here.
            name: Name for provenance.
            candidates: Hooks drawn for each request, at least 1.
            temperature: Above 0; 0 is greedy (then `candidates` has to be 1).
            batch: Most rows at once.
            max_new_tokens: Longest hook in tokens.
        """
        self.name = name
        self._prompt = HookPrompt.load()
        self.version = self._prompt.version
        self._model, self._tokenizer = model, _padded_left(tokenizer)
        self._candidates, self._temperature = candidates, temperature
        self._batch, self._max_new_tokens = batch, max_new_tokens
        self._mask = TokenMask.of(tokenizer, model.config.vocab_size)
        self._beginning: tuple[Any, Any] | None = None

    @classmethod
    def local(cls, path: str, *, name: str = "") -> CausalHooks:
        """Load a model folder as `save_pretrained` writes it; nothing is downloaded.

        Raises:
            InvalidInput: There is no such folder, or no causal model of transformers in it.
        """
        folder = Path(path).expanduser()
        if not (folder / "config.json").is_file():
            message = f"expected a model folder with config.json at {folder}; save one with save_pretrained"
            raise InvalidInput(message, field="--backend local:PATH")
        model, tokenizer = _load(folder)
        return cls(model, tokenizer, name=name or f"local:{folder.name}")

    @property
    def model(self) -> Any:
        """The loaded model."""
        return self._model

    @property
    def tokenizer(self) -> Any:
        """Its tokenizer."""
        return self._tokenizer

    def prompt(self, request: HookRequest) -> str:
        """Return what the model continues for a request, the shared beginning included."""
        return self._prompt.beginning + self._prompt.ending(request)

    def propose(self, requests: Sequence[HookRequest]) -> list[list[str]]:
        """Return distinct hooks for each request, the likeliest under the model first."""
        rows = [(request, number) for request in requests for number in range(self._candidates)]
        scored: dict[int, list[tuple[float, str]]] = {i: [] for i in range(len(requests))}
        for start in range(0, len(rows), self._batch):
            for offset, result in enumerate(self._generate(rows[start : start + self._batch])):
                scored[(start + offset) // self._candidates].append(result)
        return [self._ranked(scored[i]) for i in range(len(requests))]

    def _ranked(self, scored: list[tuple[float, str]]) -> list[str]:
        hooks = [text for _, text in sorted(scored, key=lambda pair: (-pair[0], pair[1])) if text]
        return [hook for hook in dict.fromkeys(hooks) if hook not in self._prompt.examples]

    def _generate(self, rows: Sequence[tuple[HookRequest, int]]) -> list[tuple[float, str]]:
        """Return (mean log-probability per token, hook) for each row."""
        import torch

        ids, cache = self._read_beginning()
        ends = self._tokenizer([self._prompt.ending(request) for request, _ in rows], padding=True, return_tensors="pt")
        n = len(rows)
        past = copy.deepcopy(cache)
        past.batch_repeat_interleave(n)
        inputs = torch.cat([ids.expand(n, -1), ends["input_ids"]], dim=1)
        attention = torch.cat([torch.ones_like(ids).expand(n, -1), ends["attention_mask"]], dim=1)
        seeds = [_seed(f"{request.entropy}/{number}") for request, number in rows]
        sampler = KeyedSampler(seeds, self._temperature)
        with torch.inference_mode():
            output = self._model.generate(
                input_ids=inputs,
                attention_mask=attention,
                past_key_values=past,
                max_new_tokens=self._max_new_tokens,
                do_sample=False,
                eos_token_id=self._mask.stop_ids,
                pad_token_id=self._tokenizer.pad_token_id,
                logits_processor=[self._mask, sampler],
            )
        return self._decode(output[:, inputs.shape[1] :], sampler.logprobs)

    def _decode(self, tokens: Any, chosen: Any) -> list[tuple[float, str]]:
        import torch

        stops = torch.tensor(self._mask.stop_ids)
        results = []
        for row, row_logprobs in zip(tokens, chosen, strict=True):
            ended = torch.isin(row, stops).nonzero()
            length = int(ended[0, 0]) if len(ended) else len(row)
            text = " ".join(self._tokenizer.decode(row[:length], skip_special_tokens=True).split())
            # A line that ran into the limit is cut mid-sentence: it has no stop sign and the screen rejects it.
            results.append((float(row_logprobs[: max(length, 1)].mean()), text))
        return results

    def _read_beginning(self) -> tuple[Any, Any]:
        """Return the token ids of the shared beginning, shape (1, t), and its keys and values."""
        import torch

        if self._beginning is None:
            ids = self._tokenizer(self._prompt.beginning, return_tensors="pt")["input_ids"]
            with torch.inference_mode():
                self._beginning = (ids, self._model(input_ids=ids, use_cache=True).past_key_values)
        return self._beginning


def _seed(entropy: str) -> int:
    return int.from_bytes(hashlib.blake2b(entropy.encode(), digest_size=7).digest())


def _padded_left(tokenizer: Any) -> Any:
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _load(folder: Path) -> tuple[Any, Any]:
    torch, transformers = model_libraries()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        message = f"expected a causal language model of transformers in {folder}, got: {str(error).splitlines()[0]}"
        raise InvalidInput(message, field="--backend") from error
    if info["missing_keys"]:
        message = f"{folder} lacks {len(info['missing_keys'])} weights, so the model would talk noise; save it again"
        raise InvalidInput(message, field="--backend")
    return model.eval(), tokenizer
