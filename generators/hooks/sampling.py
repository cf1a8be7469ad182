"""How a token is drawn from those that may be written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from generators.hooks.token_mask import TokenMask
from generators.model_libraries import model_libraries


class MaskedSampler:
    """A logits processor after which the greedy choice is a draw among allowed tokens, each row from its own seed.

    Adding Gumbel noise and taking the largest draws from the softmax. So a row's draws do not depend on how many rows
    stand beside it, and no global random state is touched. Temperature 0 adds nothing: greedy.

    Source: Gumbel (1954); Maddison, Tarlow, Minka (2014), "A* sampling", section 2.
    """

    def __init__(
        self, mask: TokenMask, entropies: Sequence[str], *, temperature: float, top_k: int, steps: int, device: Any
    ) -> None:
        """Draw all the noise there may be need of.

        Args:
            mask: What may be written.
            entropies: One string for each row, from which its draws follow.
            temperature: Not below 0.
            top_k: Draw among so many of the likeliest, at least 1.
            steps: Most tokens a row.
            device: Where the scores are.
        """
        torch, _ = model_libraries()
        self._torch = torch
        self._allowed = torch.tensor(mask.allowed, device=device)
        self._temperature, self._top_k = temperature, min(top_k, len(mask.allowed))
        self._noise = _gumbel(torch, entropies, steps, self._top_k, device) if temperature else None
        self._logprobs: list[Any] = []

    @property
    def logprobs(self) -> Any:
        """Log-probability of each token drawn, under the masked model, shape (rows, steps)."""
        return self._torch.stack(self._logprobs, dim=1)

    def __call__(self, input_ids: Any, scores: Any) -> Any:  # noqa: ARG002 - the signature is transformers'
        """Return scores, the given tensor, whose largest entry is the token drawn."""
        likely = scores.index_select(1, self._allowed)
        values, places = likely.topk(self._top_k, dim=1)
        chosen = values
        if self._noise is not None:
            chosen = values / self._temperature + self._noise[:, len(self._logprobs)]
        drawn = chosen.argmax(dim=1, keepdim=True)
        # Kept here, token by token: all logits of all steps would take hundreds of megabytes.
        self._logprobs.append((values.gather(1, drawn) - likely.logsumexp(dim=1, keepdim=True)).squeeze(1))
        # `generate` takes the largest of the row next: one entry above all others is enough.
        return scores.scatter_(1, self._allowed[places.gather(1, drawn)], float("inf"))


def _gumbel(torch: Any, entropies: Sequence[str], steps: int, width: int, device: Any) -> Any:
    """Return Gumbel noise, shape (rows, steps, width); a row's depends on its entropy alone."""
    noise = torch.empty(len(entropies), steps, width)
    generator = torch.Generator()
    for row, entropy in zip(noise, entropies, strict=True):
        seed = int.from_bytes(hashlib.blake2b(entropy.encode(), digest_size=7).digest())
        row.exponential_(generator=generator.manual_seed(seed))
    return noise.log_().neg_().to(device)
