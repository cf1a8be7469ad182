"""Hooks from any encoder-decoder model of transformers: the T5 family, BART and others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from generators.hooks.local_hooks import LocalHooks
from generators.hooks.prompt import HookPrompt
from generators.hooks.request import HookRequest
from generators.model_libraries import model_libraries


class Seq2SeqHooks(LocalHooks):
    """The encoder reads the whole few-shot prompt, and the decoder writes under the token mask of the language.

    An encoder looks both ways, so no beginning can be read ahead; but each request is read once for all its candidates.
    """

    def write(
        self, language: str, rows: Sequence[tuple[HookRequest, int]], *, steps: int = 0
    ) -> list[tuple[float, str]]:
        """Return (mean log-probability per token, line) for each (request, number of the candidate)."""
        torch, transformers = model_libraries()
        distinct = {id(request): request for request, _ in rows}
        inputs = self.inputs(language, list(distinct.values()))
        with torch.inference_mode():
            read = self._local.model.get_encoder()(**inputs).last_hidden_state
        places = {key: i for i, key in enumerate(distinct)}
        chosen = torch.tensor([places[id(request)] for request, _ in rows], device=self._local.device)
        return self._writer.write(
            language,
            [f"{request.entropy}/{number}" for request, number in rows],
            skip=1,
            steps=steps,
            encoder_outputs=transformers.modeling_outputs.BaseModelOutput(last_hidden_state=read[chosen]),
            attention_mask=inputs["attention_mask"][chosen],
        )

    def inputs(self, language: str, requests: Sequence[HookRequest]) -> dict[str, Any]:
        """Return `input_ids` and `attention_mask` of whole prompts, padded on the right, shape (requests, tokens)."""
        torch, _ = model_libraries()
        prompt = self._prompts[language]
        texts = [prompt.beginning + prompt.ending(request) for request in requests]
        each = self._local.tokenizer(texts)["input_ids"]
        longest = max(len(ids) for ids in each)
        device = self._local.device
        return {
            "input_ids": torch.tensor(
                [ids + [self._local.pad_id] * (longest - len(ids)) for ids in each], device=device
            ),
            "attention_mask": torch.tensor(
                [[1] * len(ids) + [0] * (longest - len(ids)) for ids in each], device=device
            ),
        }

    def _length(self, prompt: HookPrompt) -> int:
        return len(self._local.tokenizer(prompt.beginning)["input_ids"])
