"""Whether an interest grows or fades."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import false_discovery_control, fisher_exact

GROWING, FADING, STEADY, UNKNOWN = "growing", "fading", "steady", "unknown"
_LEVEL = 0.1
_LEAST = 4


@dataclass(frozen=True, slots=True)
class Trend:
    """Recent against earlier.

    Attributes:
        direction: `growing`, `fading`, `steady` (no difference beyond chance), or `unknown` (too few touches).
        recent_share: Of the recent touches, how many are in the topic; None without recent touches.
        earlier_share: Of the earlier ones; None without any.
        p: Two-sided, adjusted for the number of interests looked at; None if unknown.
    """

    direction: str
    recent_share: float | None
    earlier_share: float | None
    p: float | None


def trends(pairs: list[tuple[int, int]], recent: int, earlier: int) -> list[Trend]:
    """Compare the share of each topic among recent and earlier touches.

    Shares, not rates: a shopper who visits less does not lose all interests. Fisher's exact test on touches in and
    outside the topic, recent and earlier; p values adjusted by Benjamini and Hochberg over the topics, below 0.1 is a
    trend.

    Args:
        pairs: Recent and earlier touches in each topic.
        recent: Recent touches in all topics.
        earlier: Earlier touches in all topics.

    Source: Fisher (1935), The logic of inductive inference; Benjamini & Hochberg (1995).

    >>> trends([(9, 1), (1, 9)], 10, 10)[0].direction
    'growing'
    """
    raw: list[float | None] = []
    for now, before in pairs:
        enough = recent and earlier and now + before >= _LEAST
        table = [[now, recent - now], [before, earlier - before]]
        raw.append(float(fisher_exact(table).pvalue) if enough else None)
    tested = [min(1.0, value) for value in raw if value is not None]
    adjusted = iter(false_discovery_control(tested) if tested else [])
    found = []
    for (now, before), value in zip(pairs, raw, strict=True):
        shares = (now / recent if recent else None, before / earlier if earlier else None)
        if value is None:
            found.append(Trend(UNKNOWN, *shares, None))
            continue
        p = float(next(adjusted))
        direction = STEADY if p >= _LEVEL else GROWING if now / recent > before / earlier else FADING
        found.append(Trend(direction, *shares, p))
    return found
