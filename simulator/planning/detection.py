"""How large a difference has to be, or how many users there have to be, for a test to find it."""

from __future__ import annotations

from scipy.stats import norm

__all__ = ["needed_factor", "power_at", "smallest_effect"]


def _reach(level: float, power: float) -> float:
    return float(norm.ppf((1 + level) / 2) + norm.ppf(power))


def needed_factor(error: float, effect: float, level: float, power: float) -> float:
    """Say how many times the users there have to be, ((z_level + z_power) · se / |effect|)².

    Two-sided test of no difference; the standard error shrinks with the square root of the number of users.

    Source: Kohavi, Tang and Xu, Trustworthy Online Controlled Experiments (2020), ch. 17; here with the paired,
    clustered standard error of an off-policy difference in place of two independent samples.

    Args:
        error: Standard error of the difference with today's users, above 0.
        effect: The true difference, not 0.
        level: 1 − α.
        power: Probability with which the difference is to be found.

    >>> round(needed_factor(0.01, 0.028, 0.95, 0.8), 2)
    1.0
    """
    return (_reach(level, power) * error / effect) ** 2


def smallest_effect(error: float, factor: float, level: float, power: float) -> float:
    """Give the smallest true difference that is found with this power once there are `factor` times the users."""
    return _reach(level, power) * error / float(factor**0.5)


def power_at(error: float, effect: float, level: float) -> float:
    """Give the probability that a two-sided test finds a true difference.

    >>> round(power_at(0.01, 0.028, 0.95), 2)
    0.8
    """
    limit, shift = float(norm.ppf((1 + level) / 2)), effect / error
    return float(norm.sf(limit - shift) + norm.cdf(-limit - shift))
