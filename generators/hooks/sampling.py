"""Logits processors: what may be written, and how it is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


def keyed_sampler(seeds: Sequence[int], temperature: float, top_k: int = 40) -> Callable[[Any, Any], Any]:
    """Return a processor after which greedy choice is sampling, each row from its own seed.

    Adding Gumbel noise and taking the largest draws from the softmax. So a row's draws do not depend on how many rows
    stand beside it, and no global random state is touched. Temperature 0 adds nothing: greedy.

    Source: Gumbel (1954); Maddison, Tarlow, Minka (2014), "A* sampling", section 2.
    """
    import torch

    generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def process(input_ids: Any, scores: Any) -> Any:  # noqa: ARG001 - the signature is transformers'
        if not temperature:
            return scores
        values, indices = (scores / temperature).topk(min(top_k, scores.shape[-1]), dim=-1)
        noise = torch.stack([torch.empty(values.shape[-1]).exponential_(generator=g) for g in generators])
        return torch.full_like(scores, float("-inf")).scatter(1, indices, values - noise.log())

    return process
