"""How often each copy was clicked where: what a click model learns from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.core.errors import InvalidInput
from engine.core.variant import Variant
from generators.texts.decision_log import decision_rows, place_of, variant_of

Weighting = Literal["propensity", "impressions"]
_LEARNED_MODES = ("live", "control", "fallback")


@dataclass(frozen=True, slots=True)
class CopyOutcome:
    """One copy at one place.

    Attributes:
        text: The copy.
        group: What it is compared within: a test, or a channel and slot.
        trials: Impressions, or the effective number of them where they are weighted; above 0.
        successes: Clicks, at most as many.
        copy: Id of the copy; rows of one copy are held out together.
    """

    text: str
    group: str
    trials: float
    successes: float
    copy: str = ""


def copy_texts(variants: Iterable[Variant]) -> dict[tuple[str, str], str]:
    """Map (variant, channel) to the copy that a shopper reads there: its fields, one a line."""
    return {
        (str(variant.id), str(channel)): "\n".join(text for text in fields.values() if text)
        for variant in variants
        for channel, fields in variant.channels.items()
        if any(fields.values())
    }


def outcomes_of_log(
    path: Path, texts: Mapping[tuple[str, str], str], *, weighting: Weighting = "propensity"
) -> list[CopyOutcome]:
    """Count clicks of each variant by channel and slot from an exported decision log.

    Weighted by propensity, a row counts 1 / p among the rows of its arm: the rate is then that over all shoppers for
    whom the arm was eligible, not over those whom the policy chose it for, and the trials are Kish's effective number
    (Σw)² / Σw². What was not sent is no impression.

    Args:
        path: JSON Lines or Parquet.
        texts: (variant, channel) → copy; arms without copy are left out.
        weighting: `propensity`, or `impressions` for plain counts.

    Raises:
        InvalidInput: The log is unusable, or none of its arms has copy.
    """
    sums: dict[tuple[str, str, str], list[float]] = {}
    for row in decision_rows(path):
        kinds = {str(outcome.get("type")) for outcome in row.get("outcomes") or ()}
        variant, (channel, slot) = variant_of(row), place_of(row)
        if (row.get("mode") or "live") not in _LEARNED_MODES or "not_sent" in kinds or (variant, channel) not in texts:
            continue
        count = int(row.get("count") or 1)
        weight = 1.0 / float(row["propensity"]) if weighting == "propensity" else 1.0
        total = sums.setdefault((variant, channel, slot), [0.0, 0.0, 0.0])
        total[0] += count * weight
        total[1] += count * weight * weight
        total[2] += count * weight * ("click" in kinds)
    if not sums:
        raise InvalidInput(
            "expected decisions on arms whose copy is known; give the campaign's variants", field=path.name
        )
    return [
        _outcome(texts[variant, channel], f"{channel}/{slot}", variant, total)
        for (variant, channel, slot), total in sorted(sums.items())
    ]


def _outcome(text: str, group: str, variant: str, total: list[float]) -> CopyOutcome:
    weights, squares, clicks = total
    trials = weights * weights / squares
    return CopyOutcome(text, group, trials, min(trials * clicks / weights, trials), variant)


def as_rows(outcomes: Iterable[CopyOutcome]) -> list[tuple[Any, ...]]:
    """Rows for a digest of the training data."""
    return [(o.text, o.group, o.trials, o.successes, o.copy) for o in outcomes]
