"""One place where a log's counts do not fit its propensities."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SampleRatioAlarm"]


@dataclass(frozen=True, slots=True)
class SampleRatioAlarm:
    """An arm, or all arms beyond those told apart, in one cell of the log.

    Attributes:
        where: The cell, such as `overall` or `region = north`.
        column: Name of the column whose cell it is, `period`, or empty for the log as a whole.
        arm: Arm id.
        line: First line of the cell.
        decisions: Decisions of the cell in which the arm could be drawn.
        expected: Σp, or the number of decisions with the arm eligible where only chosen arms' propensities are known.
        observed: The arm's count, or in that case its summed weight.
        z: Standardised difference.
        p: Two-sided p-value; one-sided in that case.
        p_adjusted: The same after Holm's adjustment for all tests of the log.
    """

    where: str
    column: str
    arm: str
    line: int
    decisions: int
    expected: float
    observed: float
    z: float
    p: float
    p_adjusted: float

    def __str__(self) -> str:
        """Say it in one line.

        >>> str(SampleRatioAlarm("overall", "", "sun/email/am", 1, 1000, 500.0, 600.0, 6.3, 3e-10, 9e-10))
        'sun/email/am overall: drawn 600, expected 500.0 (p 9e-10)'
        """
        where = self.where if self.where == "overall" else f"where {self.where}"
        chance = f"p {self.p_adjusted:.2g}" if self.p_adjusted > 1e-99 else "p < 1e-99"
        return f"{self.arm} {where}: drawn {self.observed:,.6g}, expected {self.expected:,.1f} ({chance})"
