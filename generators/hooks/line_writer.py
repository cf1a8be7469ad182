"""Write one masked line for each row of a prepared batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from generators.hooks.banned_words import BannedWords
from generators.hooks.local_model import LocalModel
from generators.hooks.sampling import MaskedSampler
from generators.hooks.token_mask import TokenMask
from generators.hooks.vocabulary import Vocabulary
from generators.model_libraries import model_libraries


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How lines are drawn.

    Attributes:
        candidates: Lines drawn for each request, at least 1.
        temperature: 0 is greedy (then `candidates` has to be 1).
        top_k: Draw among so many of the likeliest tokens.
        batch: Most rows at once.
        max_new_tokens: Longest line in tokens.
    """

    candidates: int = 3
    temperature: float = 0.5
    top_k: int = 40
    batch: int = 48
    max_new_tokens: int = 22


class LineWriter:
    """Runs `generate` of a model under the mask of a language, with settings of our own alone."""

    def __init__(self, local: LocalModel, settings: LineSettings) -> None:
        _, transformers = model_libraries()
        self._local, self.settings = local, settings
        self._vocabulary = Vocabulary.of(local.tokenizer, local.vocabulary_size, local.end_ids)
        self._masks: dict[str, TokenMask] = {}
        own = local.model.generation_config.decoder_start_token_id
        start = getattr(local.model.config, "decoder_start_token_id", None) if own is None else own
        # The model's own settings (repetition penalties, forced tokens, sampling) would work against mask and sampler.
        local.model.generation_config = transformers.GenerationConfig(
            do_sample=False,
            pad_token_id=local.pad_id,
            eos_token_id=list(self._vocabulary.stop_ids) or None,
            decoder_start_token_id=start,
        )

    def mask(self, language: str) -> TokenMask:
        """Return the mask of a language, made on the first call."""
        if language not in self._masks:
            self._masks[language] = TokenMask.of(self._vocabulary, language, BannedWords())
        return self._masks[language]

    def write(
        self, language: str, entropies: Sequence[str], skip: int, steps: int = 0, **inputs: Any
    ) -> list[tuple[float, str]]:
        """Return (mean log-probability per token, line) for each row.

        Args:
            language: Whose mask is on.
            entropies: One string a row, from which its draws follow.
            skip: Tokens of the output that are not the line's.
            steps: Exactly so many tokens a row, whatever they are; 0 stops where the lines end.
            inputs: What `generate` reads.
        """
        torch, _ = model_libraries()
        settings = self.settings
        limit = steps or settings.max_new_tokens
        sampler = MaskedSampler(
            self.mask(language),
            entropies,
            temperature=settings.temperature,
            top_k=settings.top_k,
            steps=limit,
            device=self._local.device,
        )
        with torch.inference_mode():
            output = self._local.model.generate(
                **inputs, max_new_tokens=limit, min_new_tokens=steps or None, logits_processor=[sampler]
            )
        return self._lines(output[:, skip:].cpu(), sampler.logprobs.cpu())

    def _lines(self, tokens: Any, logprobs: Any) -> list[tuple[float, str]]:
        torch, _ = model_libraries()
        ended = torch.isin(tokens, torch.tensor(self._vocabulary.stop_ids, dtype=torch.long))
        # A line that ran into the limit is cut mid-sentence: it has no stop sign and the screen rejects it.
        lengths = torch.where(ended.any(dim=1), ended.int().argmax(dim=1), tokens.shape[1]).tolist()
        rows = [row[:length] for row, length in zip(tokens.tolist(), lengths, strict=True)]
        texts = self._local.tokenizer.batch_decode(rows, skip_special_tokens=True)
        sums = logprobs.cumsum(dim=1)
        scores = [float(sums[i, max(n, 1) - 1]) / max(n, 1) for i, n in enumerate(lengths)]
        return [(score, " ".join(text.split())) for score, text in zip(scores, texts, strict=True)]
