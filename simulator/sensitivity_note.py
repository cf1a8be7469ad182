"""Says how far a value goes with the errors of estimated propensities."""

from __future__ import annotations

from simulator.report.figures import amount
from simulator.sensitivity import largest_gamma
from simulator.sensitivity_sums import SensitivitySums

__all__ = ["sensitivity_note"]

#: The odds of estimated propensities are taken to be off by up to these factors.
_FACTORS = (1.5, 2.0)
_WORDS = "if its odds are off by"


def sensitivity_note(sums: SensitivitySums, *, self_normalised: bool, share: bool, against_logged: bool = False) -> str:
    """Write the sensitivity bands of a value, without its sampling error.

    Args:
        sums: Of the policy's rows.
        self_normalised: Whether the value is that of SNIPS, or else of IPS.
        share: Whether values are shown in per cent.
        against_logged: Whether it is a difference to the mean reward of the same rows as logged; then the largest
            factor at which its sign stands is added.
    """
    baseline = sums.logged if against_logged else 0.0

    def band(gamma: float) -> tuple[float, float]:
        low, high = sums.band(gamma, self_normalised=self_normalised)
        return low - baseline, high - baseline

    texts: list[str] = []
    for gamma in _FACTORS:
        low, high = band(gamma)
        texts.append(f"{amount(low, share)} to {amount(high, share)} {'by' if texts else _WORDS} {gamma:g}")
    if against_logged and (sign := largest_gamma(band)) > 1.0:
        texts[-1] += f"; the sign stands up to {sign:.2f}"
    return "estimated propensity: " + ", ".join(texts)
