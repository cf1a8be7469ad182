"""Fluency: how likely a language model finds the hook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.candidate import Candidate

_BATCH = 32


class Fluency:
    """Mean log-probability per token of the hook under a causal model, in nats.

    The model reads each hook after its end-of-text token, so that the first word counts, too. The mean and not the
    sum is taken: a sum would make the shortest hook the best.
    """

    name = "fluency"

    def __init__(self, model: Any, tokenizer: Any, *, version: str, languages: frozenset[str]) -> None:
        """Take a loaded model.

        Args:
            model: A causal model of transformers, in evaluation mode.
            tokenizer: Its tokenizer.
            version: Name of the model.
            languages: Languages that it can judge; hooks of others get NaN.
        """
        self.version, self.languages = version, languages
        self._model, self._tokenizer = model, tokenizer

    def score(self, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
        """Return mean log-probabilities, shape (n,)."""
        scores = np.full(len(candidates), np.nan)
        able = [i for i, item in enumerate(candidates) if item.brief.language in self.languages]
        for start in range(0, len(able), _BATCH):
            rows = able[start : start + _BATCH]
            scores[rows] = self._means([candidates[i].text for i in rows])
        return scores

    def _means(self, texts: Sequence[str]) -> list[float]:
        import torch

        start = self._tokenizer.bos_token_id
        first = self._tokenizer.eos_token_id if start is None else start
        rows = [[first, *self._tokenizer(text, add_special_tokens=False)["input_ids"]] for text in texts]
        # Padded on the right: with a causal mask nothing that follows changes what stands before.
        longest = max(map(len, rows))
        ids = torch.tensor([row + [first] * (longest - len(row)) for row in rows], device=self._model.device)
        with torch.inference_mode():
            logits = self._model(input_ids=ids).logits[:, :-1].float()
        chosen = logits.gather(2, ids[:, 1:, None]).squeeze(2) - logits.logsumexp(dim=2)
        return [float(line[: len(row) - 1].mean()) for line, row in zip(chosen, rows, strict=True)]
