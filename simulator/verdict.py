"""Whether an estimate may be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from simulator.diagnostics import Diagnostics
from simulator.thresholds import Thresholds

__all__ = ["Verdict", "VerdictName", "judge"]

_EXACT = 1e-9


class VerdictName(StrEnum):
    """How far to believe an estimate."""

    TRUSTED = "trusted"
    WEAK = "weak"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict with its reasons; a trusted one needs none."""

    name: VerdictName
    reasons: tuple[str, ...]


def judge(
    diagnostics: Diagnostics,
    reward_ess: float,
    thresholds: Thresholds,
    *,
    refusals: Sequence[str] = (),
    weaknesses: Sequence[str] = (),
) -> Verdict:
    """Hold diagnostics against the thresholds.

    Args:
        diagnostics: Of the policy.
        reward_ess: Effective number of rewarded users for the metric in question.
        thresholds: The limits.
        refusals: Reasons that refuse in any case, such as rows the policy was trained on.
        weaknesses: Reasons that make it weak in any case.
    """
    refused = [*refusals, *_refused(diagnostics, reward_ess, thresholds)]
    if refused:
        return Verdict(VerdictName.REFUSED, tuple(refused))
    weak = [*weaknesses]
    if _below(diagnostics.user_ess, thresholds.weak_user_ess):
        weak.append(_under("user_ess", diagnostics.user_ess, thresholds.weak_user_ess))
    if _below(reward_ess, thresholds.weak_reward_ess):
        weak.append(_under("reward_ess", reward_ess, thresholds.weak_reward_ess))
    return Verdict(VerdictName.WEAK if weak else VerdictName.TRUSTED, tuple(weak))


def _refused(diagnostics: Diagnostics, reward_ess: float, thresholds: Thresholds) -> list[str]:
    reasons = []
    if _below(diagnostics.user_ess, thresholds.refused_user_ess):
        reasons.append(_under("user_ess", diagnostics.user_ess, thresholds.refused_user_ess))
    if _below(reward_ess, thresholds.refused_reward_ess):
        reasons.append(_under("reward_ess", reward_ess, thresholds.refused_reward_ess))
    if _below(thresholds.refused_unsupported_mass, diagnostics.unsupported_mass):
        share, limit = diagnostics.unsupported_mass, thresholds.refused_unsupported_mass
        reasons.append(f"unsupported_mass {share:.2%} is over {limit:.2%}: arms that the log never plays")
    low, high = diagnostics.mean_weight_low, diagnostics.mean_weight_high
    if low is not None and high is not None and not low - _EXACT <= 1.0 <= high + _EXACT:
        level = thresholds.mean_weight_level
        reasons.append(
            f"mean_weight {low:.4g} to {high:.4g} ({level:.0%}) leaves out 1: propensities or support are off"
        )
    return reasons


def _below(value: float, limit: float) -> bool:
    """Compare sums of floats: 100 equal users may come out as 99.99999999999999."""
    return value < limit * (1.0 - _EXACT)


def _under(name: str, value: float, limit: float) -> str:
    return f"{name} {value:.1f} is under {limit:g}"
