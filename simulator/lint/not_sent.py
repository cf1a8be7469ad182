"""Finds arms whose messages fail more often than others'."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.stats import hypergeom

from simulator.arrays import FloatArray
from simulator.holm import holm
from simulator.lint.finding import Finding, Severity
from simulator.lint.modes import any_outcome, on_hold
from simulator.lint.tally import Tally
from simulator.log import Log

__all__ = ["NotSentByArm"]

_LEVEL = 1e-4
_LARGE = 0.05


class NotSentByArm:
    """Compares each arm's share of `not_sent` with that of all other arms (Fisher's exact test, Holm's adjustment).

    Values are by intention to treat: an arm that is not delivered is worth less for a reason that is not its copy.
    """

    def __init__(self) -> None:
        self._arms: dict[str, int] = {}
        self._sums: FloatArray = np.zeros((2, 0))
        self._tally = Tally()

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        codes = np.array([self._arms.setdefault(arm, len(self._arms)) for arm in log.arms])
        self._sums = np.pad(self._sums, ((0, 0), (0, len(self._arms) - self._sums.shape[1])))
        acted = log.valued & ~on_hold(log)
        failed = acted & any_outcome(log, "not_sent")
        for place, rows in enumerate((acted, failed)):
            self._sums[place] += np.bincount(codes[log.arm], log.count * rows, minlength=len(self._arms))
        self._tally.add(log, failed)

    def finish(self) -> Iterable[Finding]:
        """Tell which arms differ."""
        played = self._sums[0] > 0
        sends, failed = self._sums[:, played]
        if not failed.any():
            return
        every = sends.sum(), failed.sum(), sends
        p = np.minimum(1.0, 2.0 * np.minimum(hypergeom.cdf(failed, *every), hypergeom.sf(failed - 1, *every)))
        differs = np.flatnonzero(holm(p) < _LEVEL)
        if not differs.size:
            return
        share, usual = failed / sends, failed.sum() / sends.sum()
        worst = differs[np.argmax(np.abs(share[differs] - usual))]
        names = [arm for arm, there in zip(self._arms, played, strict=True) if there]
        yield self._tally.finding(
            "not_sent_differs",
            Severity.WARNING if abs(share[worst] - usual) >= _LARGE else Severity.INFO,
            f"not_sent differs by arm ({differs.size} of {len(names)}): {share[worst]:.1%} of {names[worst]}, "
            f"{usual:.1%} of all",
            "values count failed sends: let rules exclude arms that cannot be delivered before the draw",
        )
