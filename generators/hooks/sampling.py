"""Logits processors: what may be written, and how it is drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

# Letters, spaces and the signs of one plain sentence: no digit, currency, bracket, quote, link or emoji can be drawn.
_ALLOWED = re.compile(r" ?[A-Za-z]+|[,.!?]|'[a-z]{1,2}|'|-")


@dataclass(frozen=True, slots=True)
class TokenMask:
    """Allows the tokens of a plain English line, and those that end it.

    Attributes:
        allowed: Boolean tensor, shape (vocabulary,).
        stop_ids: Tokens that end a line: end of text and newline.
    """

    allowed: Any
    stop_ids: list[int]

    @classmethod
    def of(cls, tokenizer: Any, vocabulary: int) -> TokenMask:
        """Decode every token once and look at it."""
        import torch

        texts = tokenizer.batch_decode([[i] for i in range(min(vocabulary, len(tokenizer)))])
        allowed = torch.zeros(vocabulary, dtype=torch.bool)
        allowed[[i for i, text in enumerate(texts) if _ALLOWED.fullmatch(text)]] = True
        newline = tokenizer("\n", add_special_tokens=False)["input_ids"]
        stops = [i for i in (tokenizer.eos_token_id, *newline[:1]) if i is not None]
        allowed[stops] = True
        return cls(allowed, stops)

    def __call__(self, input_ids: Any, scores: Any) -> Any:  # noqa: ARG002 - the signature is transformers'
        """Give every other token no chance."""
        return scores.masked_fill(~self.allowed, float("-inf"))


class KeyedSampler:
    """A processor after which greedy choice is sampling, each row from its own seed.

    Adding Gumbel noise and taking the largest draws from the softmax. So a row's draws do not depend on how many rows
    stand beside it, and no global random state is touched. Temperature 0 adds nothing: greedy.

    Source: Gumbel (1954); Maddison, Tarlow, Minka (2014), "A* sampling", section 2.
    """

    def __init__(self, seeds: Sequence[int], temperature: float, top_k: int = 40) -> None:
        self._torch = import_module("torch")
        self._generators = [self._torch.Generator().manual_seed(seed) for seed in seeds]
        self._temperature, self._top_k = temperature, top_k
        self._logprobs: list[Any] = []

    @property
    def logprobs(self) -> Any:
        """Log-probability of each token drawn, under the masked model, shape (rows, steps)."""
        return self._torch.stack(self._logprobs, dim=1)

    def __call__(self, input_ids: Any, scores: Any) -> Any:  # noqa: ARG002 - the signature is transformers'
        """Return scores whose largest entry is the token drawn."""
        values, indices = scores.topk(min(self._top_k, scores.shape[-1]), dim=-1)
        noisy = values
        if self._temperature:
            size = values.shape[-1]
            noise = [self._torch.empty(size).exponential_(generator=g) for g in self._generators]
            noisy = values / self._temperature - self._torch.stack(noise).log()
        drawn = noisy.argmax(dim=-1, keepdim=True)
        # Kept here, token by token: all logits of all steps would take hundreds of megabytes.
        self._logprobs.append((values.gather(1, drawn) - scores.logsumexp(dim=-1, keepdim=True)).squeeze(1))
        return self._torch.full_like(scores, float("-inf")).scatter(1, indices.gather(1, drawn), 0.0)
