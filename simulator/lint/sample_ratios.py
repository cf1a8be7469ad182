"""Says where arms were not drawn as often as propensities say."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.lint.finding import Finding, Severity
from simulator.log import Log
from simulator.sample_ratio import SampleRatio, SampleRatioAlarm

__all__ = ["SampleRatios"]

_COLUMNS = 3
_OFF = "propensities are not those of the draw: find the rule or retry that acts after it, or log what was drawn from"
_WITHIN = "the column is filled in after the draw, or propensities leave it out: drop it, or correct them"


class SampleRatios:
    """The sample-ratio mismatch test as findings: one overall, one over time, and one a column, worst columns first."""

    def __init__(self) -> None:
        self._ratio = SampleRatio()

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        self._ratio.add(log)

    def finish(self) -> Iterable[Finding]:
        """Tell the most certain alarm of each kind."""
        kinds: dict[str, list[SampleRatioAlarm]] = {}
        for alarm in self._ratio.finish():
            kinds.setdefault(alarm.column, []).append(alarm)
        for place, (column, alarms) in enumerate(kinds.items()):
            if place < _COLUMNS or column in ("", "period"):
                yield _finding(column, alarms)
        if self._ratio.untested:
            yield Finding(
                "sample_ratio_untested",
                Severity.INFO,
                "counts cannot be tested against propensities: probabilities of other arms are not kept",
                (),
                self._ratio.untested,
                "keep all probabilities, or sort by decided_at",
            )
        if self._ratio.dispersion > 1.0:
            yield Finding(
                "drawn_by_user",
                Severity.INFO,
                f"a user's draws repeat: counts vary {self._ratio.dispersion:.3g} times as much as by decision",
                (),
                round(self._ratio.decisions),
                "none needed if users were assigned once: intervals cluster by user",
            )


def _finding(column: str, alarms: list[SampleRatioAlarm]) -> Finding:
    more = f"; {len(alarms) - 1} more such" if len(alarms) > 1 else ""
    within = column not in ("", "period")
    return Finding(
        "sample_ratio_in_context" if within else "sample_ratio_over_time" if column else "sample_ratio",
        Severity.ERROR,
        f"{alarms[0]}{more}",
        tuple(sorted({alarm.line for alarm in alarms})[:5]),
        alarms[0].decisions,
        _WITHIN if within else _OFF,
    )
