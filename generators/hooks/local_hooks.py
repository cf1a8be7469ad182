"""What all hook models on local weights share: batches, candidates, ranks, provenance."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import astuple
from typing import Any

from engine.core.errors import InvalidInput
from generators.hooks.line_writer import LineSettings, LineWriter
from generators.hooks.local_model import LocalModel
from generators.hooks.prompt import HookPrompt
from generators.hooks.request import HookRequest

# Raise when mask, sampler or tokenisation change, so that other lines never come under the same version.
_RULES = "2"
# Tokens that the longest question may take.
_QUESTION_ROOM = 96


class LocalHooks(ABC):
    """Proposes lines of a local model; how it reads the prompt is left to its two kinds."""

    def __init__(
        self,
        local: LocalModel,
        *,
        settings: LineSettings | None = None,
        languages: Collection[str] = (),
        chat: bool = False,
    ) -> None:
        """Take a loaded model.

        Args:
            local: The model.
            settings: How lines are drawn.
            languages: What it shall write, of `en` and `zh`; empty takes what its tokenizer can spell.
            chat: Ask by the chat template of the tokenizer, not by plain text.

        Raises:
            InvalidInput: A language is unknown, or there is no chat template, or the prompt has no room.
        """
        self.name, self._local = local.name, local
        self.languages = frozenset(languages) or local.languages()
        if unknown := self.languages - {"en", "zh"}:
            raise InvalidInput(f"expected en or zh, got {', '.join(sorted(unknown))}", field="languages")
        if chat and not local.tokenizer.chat_template:
            raise InvalidInput("the tokenizer has no chat template; leave chat out", field="chat")
        self._chat = chat
        self._settings = settings or LineSettings()
        self._writer = LineWriter(local, self._settings)
        self._prompts = {language: self._fitting(HookPrompt.load(language)) for language in sorted(self.languages)}

    @property
    def model(self) -> Any:
        """The model of transformers itself."""
        return self._local.model

    @property
    def tokenizer(self) -> Any:
        """Its tokenizer."""
        return self._local.tokenizer

    @property
    def version(self) -> str:
        """Prompts, drawing and weights; another of any of them is another version."""
        prompts = "+".join(prompt.version for prompt in self._prompts.values())
        drawn = (*astuple(self._settings)[:3], self._settings.max_new_tokens, self._chat, _RULES)
        return f"{prompts}.{hashlib.blake2b(repr(drawn).encode(), digest_size=2).hexdigest()}/{self._local.digest}"

    def prompt(self, request: HookRequest) -> str:
        """Return what the model reads for a request, the shared beginning included."""
        prompt = self._prompts[request.brief.language]
        return prompt.beginning + prompt.ending(request)

    def propose(self, requests: Sequence[HookRequest]) -> list[list[str]]:
        """Return distinct lines for each request, the likeliest under the model first."""
        hooks: list[list[str]] = [[] for _ in requests]
        for language in sorted({request.brief.language for request in requests} & self.languages):
            places = [i for i, request in enumerate(requests) if request.brief.language == language]
            rows = [(requests[i], number) for i in places for number in range(self._settings.candidates)]
            scored: list[tuple[float, str]] = []
            for start in range(0, len(rows), self._settings.batch):
                scored += self.write(language, rows[start : start + self._settings.batch])
            for order, place in enumerate(places):
                own = scored[order * self._settings.candidates : (order + 1) * self._settings.candidates]
                hooks[place] = self._ranked(own, self._prompts[language].examples)
        return hooks

    @abstractmethod
    def write(
        self, language: str, rows: Sequence[tuple[HookRequest, int]], *, steps: int = 0
    ) -> list[tuple[float, str]]:
        """Return (mean log-probability per token, line) for each (request, number of the candidate).

        Args:
            language: That of all rows.
            rows: At most as many as the settings allow at once.
            steps: Exactly so many tokens a row, for measuring; 0 stops where the lines end.
        """

    @abstractmethod
    def inputs(self, language: str, requests: Sequence[HookRequest]) -> dict[str, Any]:
        """Return `input_ids` and `attention_mask` of whole prompts, both of shape (requests, tokens)."""

    @abstractmethod
    def _length(self, prompt: HookPrompt) -> int:
        """Return the tokens that the prompt takes without its question."""

    def _fitting(self, prompt: HookPrompt) -> HookPrompt:
        """Return the prompt with as many examples as the model has room for."""
        room = self._local.room - _QUESTION_ROOM - self._settings.max_new_tokens
        while self._length(prompt) > room:
            if not prompt.shots:
                message = f"expected room for at least {self._length(prompt)} tokens of prompt, got {max(room, 0)}"
                raise InvalidInput(f"{message}; take a model with a longer context", field="--backend")
            prompt = prompt.shorter()
        return prompt

    @staticmethod
    def _ranked(scored: Sequence[tuple[float, str]], examples: Collection[str]) -> list[str]:
        hooks = [text for _, text in sorted(scored, key=lambda pair: (-pair[0], pair[1])) if text]
        return [hook for hook in dict.fromkeys(hooks) if hook not in examples]
