"""Quality of the eight-bit model beside the full one."""

from __future__ import annotations

import math
from typing import Any

from generators.brief import TONES, Brief
from generators.hooks import CausalHooks, HookRequest, HookScreen
from generators.model_libraries import model_libraries

# Perplexity may rise by so much, the likeliest token may change so often, usable lines may be so many fewer.
_PERPLEXITY, _AGREEMENT, _USABLE = 1.05, 0.9, 0.9


def compare(full: CausalHooks, small: CausalHooks, briefs: list[Brief], lines: list[str]) -> None:
    """Print perplexity over real lines, agreement of the likeliest token, and the share of usable hooks."""
    if lines:
        (loss, best), (small_loss, small_best) = (_read(model.model, model.tokenizer, lines) for model in (full, small))
        same = sum(a == b for a, b in zip(best, small_best, strict=True)) / len(best)
        print(f"int8 on {len(lines)} headlines, {len(best)} tokens")
        rise = math.exp(small_loss) / math.exp(loss)
        _result(
            "int8_perplexity", math.exp(small_loss), _PERPLEXITY * math.exp(loss), math.exp(loss), rise <= _PERPLEXITY
        )
        _result("int8_likeliest_token_agrees", same, _AGREEMENT, 1.0, same >= _AGREEMENT)
    usable, small_usable = _usable(full, briefs), _usable(small, briefs)
    _result("int8_usable_hooks", small_usable, _USABLE * usable, usable, small_usable >= _USABLE * usable)


def _read(model: Any, tokenizer: Any, lines: list[str]) -> tuple[float, list[int]]:
    """Return the mean loss a token, and the likeliest token at each place."""
    torch, _ = model_libraries()
    total, best = 0.0, []
    with torch.inference_mode():
        for line in lines:
            ids = torch.tensor([tokenizer(line)["input_ids"]], device=model.device)
            scores = model(input_ids=ids).logits[0, :-1].float()
            total += float(torch.nn.functional.cross_entropy(scores, ids[0, 1:], reduction="sum"))
            best += scores.argmax(dim=1).tolist()
    return total / len(best), best


def _usable(model: CausalHooks, briefs: list[Brief]) -> float:
    """Return the share of proposed lines that may open a message."""
    requests = [HookRequest(brief, TONES[i % len(TONES)], i, 7) for i, brief in enumerate(briefs)]
    screen = HookScreen()
    lines = [(line, r.brief) for r, found in zip(requests, model.propose(requests), strict=True) for line in found]
    return sum(not screen.reasons(line, brief) for line, brief in lines) / max(len(lines), 1)


def _result(name: str, value: float, target: float, reference: float, fine: bool) -> None:
    state = "ok" if fine else "short"
    print(f"RESULT name={name} value={value:.4g} target={target:.4g} reference={reference:.4g} {state}", flush=True)
