"""The interval of a share that was never, or always, seen."""

from __future__ import annotations

__all__ = ["exact_bounds"]


def exact_bounds(always: bool, users: float, level: float) -> tuple[float, float]:
    """Give the interval of a share of which 0, or all, of `users` effective users were seen.

    Source: Clopper and Pearson (1934), whose bounds have this closed form at the ends; with effective in place of
    actual users it is approximate.

    >>> low, high = exact_bounds(False, 1000.0, 0.95)
    >>> low, round(high, 5)
    (0.0, 0.00368)
    """
    unlikely = float(((1 - level) / 2) ** (1 / users))
    return (unlikely, 1.0) if always else (0.0, 1 - unlikely)
