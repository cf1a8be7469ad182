"""Hooks from any causal language model of transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from generators.hooks.local_hooks import LocalHooks
from generators.hooks.prefix_cache import PrefixCache
from generators.hooks.prompt import HookPrompt
from generators.hooks.request import HookRequest
from generators.model_libraries import model_libraries

# Stands for the question while a chat template is written out; no template changes it.
_QUESTION = "QUESTION-GOES-HERE"


class CausalHooks(LocalHooks):
    """Continues a few-shot prompt, under the token mask of the language.

    The shared beginning of the prompt is read once, and its keys and values serve all rows. Requests are padded on the
    left, between beginning and end; positions are counted over real tokens, so that padding moves nothing.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take a loaded model; see `LocalHooks`."""
        super().__init__(*args, **kwargs)
        self._frames = {language: self._frame(prompt) for language, prompt in self._prompts.items()}
        self._caches: dict[str, PrefixCache] = {}

    def write(
        self, language: str, rows: Sequence[tuple[HookRequest, int]], *, steps: int = 0
    ) -> list[tuple[float, str]]:
        """Return (mean log-probability per token, line) for each (request, number of the candidate)."""
        inputs = self.inputs(language, [request for request, _ in rows])
        cache = self.read_ahead(language)
        room = inputs["input_ids"].shape[1] - cache.ids.shape[1] + (steps or self._settings.max_new_tokens)
        return self._writer.write(
            language,
            [f"{request.entropy}/{number}" for request, number in rows],
            skip=inputs["input_ids"].shape[1],
            steps=steps,
            past_key_values=cache.rows(len(rows), room),
            **inputs,
        )

    def prompt(self, request: HookRequest) -> str:
        """Return what the model continues for a request, the shared beginning included."""
        prompt = self._prompts[request.brief.language]
        return self._conversation(prompt, prompt.question(request)) if self._chat else super().prompt(request)

    def inputs(self, language: str, requests: Sequence[HookRequest]) -> dict[str, Any]:
        """Return `input_ids` and `attention_mask` of whole prompts, both of shape (requests, tokens)."""
        torch, _ = model_libraries()
        beginning, tail = self.read_ahead(language).ids, self._frames[language][1]
        prompt = self._prompts[language]
        ends = [(prompt.question(request) if self._chat else prompt.ending(request)) + tail for request in requests]
        each = self._local.tokenizer(ends, add_special_tokens=False)["input_ids"]
        longest = max(len(ids) for ids in each)
        padded = torch.tensor([[self._local.pad_id] * (longest - len(ids)) + ids for ids in each])
        real = torch.tensor([[0] * (longest - len(ids)) + [1] * len(ids) for ids in each])
        n = len(requests)
        return {
            "input_ids": torch.cat([beginning.expand(n, -1), padded.to(beginning.device)], dim=1),
            "attention_mask": torch.cat([torch.ones_like(beginning).expand(n, -1), real.to(beginning.device)], dim=1),
        }

    def read_ahead(self, language: str) -> PrefixCache:
        """Return the beginning of a language's prompt, read on the first call."""
        if language not in self._caches:
            torch, _ = model_libraries()
            ids = torch.tensor([self._frames[language][0]], device=self._local.device)
            self._caches[language] = PrefixCache(self._local.model, ids)
        return self._caches[language]

    def _frame(self, prompt: HookPrompt) -> tuple[list[int], str]:
        """Return the tokens before the question, and the text after it."""
        if not self._chat:
            tokenizer = self._local.tokenizer
            ids = tokenizer(prompt.beginning)["input_ids"]
            # Some tokenizers end every text; here the text goes on.
            return (ids[:-1] if ids[-1] == tokenizer.eos_token_id else ids), ""
        head, _, tail = self._conversation(prompt, _QUESTION).rpartition(_QUESTION)
        return self._local.tokenizer(head, add_special_tokens=False)["input_ids"], tail

    def _conversation(self, prompt: HookPrompt, question: str) -> str:
        return str(
            self._local.tokenizer.apply_chat_template(
                prompt.messages(question), tokenize=False, add_generation_prompt=True, enable_thinking=False
            )
        )

    def _length(self, prompt: HookPrompt) -> int:
        ids, tail = self._frame(prompt)
        return len(ids) + len(self._local.tokenizer(tail)["input_ids"])
