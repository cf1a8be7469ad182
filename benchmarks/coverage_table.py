"""Coverage as numbers with a Monte Carlo error, and as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.coverage_cells import QUESTIONS, VERDICTS, Cell, Question
from benchmarks.coverage_sums import METRICS
from simulator.verdict import VerdictName

__all__ = ["DEFAULT", "Share", "Table"]

DEFAULT = "bootstrap_t"
_ESTIMATORS = ("ips", "snips", "dr")
_BOUNDED = ("empirical_bernstein", "betting")
_METRICS = tuple(METRICS)


@dataclass(frozen=True, slots=True)
class Share:
    """A share of logs in per cent, and its standard error; NaN of no logs."""

    value: float
    error: float

    @classmethod
    def of(cls, held: NDArray[np.bool_]) -> Share:
        """Share of true values."""
        if not held.size:
            return cls(float("nan"), float("nan"))
        share = float(held.mean())
        return cls(100.0 * share, 100.0 * (share * (1.0 - share) / held.size) ** 0.5)

    def __str__(self) -> str:
        return "–" if np.isnan(self.value) else f"{self.value:.1f} ± {self.error:.1f}"


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Everything that was measured in one cell.

    Attributes:
        cell: Which.
        off: Ends − truth, shape (logs, questions, 2).
        verdict: Place in VERDICTS, shape (logs, metrics).
        reward_ess: Shape (logs, metrics).
        user_ess: Shape (logs,).
    """

    cell: Cell
    off: NDArray[np.float64]
    verdict: NDArray[np.float64]
    reward_ess: NDArray[np.float64]
    user_ess: NDArray[np.float64]

    @classmethod
    def of(cls, cell: Cell, parts: list[Mapping[str, NDArray[np.float64]]]) -> Table:
        """Put parts together."""
        return cls(cell, **{key: np.concatenate([part[key] for part in parts]) for key in parts[0]})

    @property
    def logs(self) -> int:
        """How many."""
        return len(self.off)

    def named(self, metric: str, verdict: VerdictName) -> NDArray[np.bool_]:
        """Logs with this verdict, shape (logs,)."""
        return self.verdict[:, _METRICS.index(metric)] == VERDICTS.index(verdict)

    def called(self, metric: str) -> VerdictName | None:
        """The verdict of most logs; None where none has most."""
        return next((name for name in VERDICTS if self.named(metric, name).mean() >= 0.5), None)

    def coverage(self, question: Question, among: NDArray[np.bool_] | None = None) -> Share:
        """How often the interval held the truth, among logs where there was one."""
        off = self.off[:, QUESTIONS.index(question)]
        kept = off if among is None else off[among]
        kept = kept[~np.isnan(kept[:, 0])]
        return Share.of((kept[:, 0] <= 0.0) & (kept[:, 1] >= 0.0))

    def width(self, question: Question) -> float:
        """Median width, as a multiple of that of the delta interval of the same metric by DR."""
        widths = [
            np.nanmedian(np.diff(self.off[:, QUESTIONS.index(one)], axis=1))
            for one in (question, Question(question.metric, "dr", False, "delta"))
        ]
        return float(widths[0] / widths[1])

    def default(self, metric: str, *, judged: bool) -> list[Share]:
        """Coverage of the default interval by each estimator, then of its differences to the logging policy.

        Args:
            metric: Key.
            judged: Whether among the logs of the cell's verdict alone.
        """
        called = self.called(metric)
        among = self.named(metric, called) if judged and called is not None else None
        asked = [Question(metric, estimator, versus, DEFAULT) for versus in (False, True) for estimator in _ESTIMATORS]
        return [self.coverage(question, among) for question in asked]

    def bounded(self) -> Iterator[tuple[Question, Share]]:
        """Coverage of the bounded methods, among all logs."""
        for question in QUESTIONS:
            share = self.coverage(question)
            if question.interval in _BOUNDED and not np.isnan(share.value):
                yield question, share

    def default_rows(self, name: VerdictName | None) -> Iterator[str]:
        """Lines of Markdown for the metrics whose cell has this verdict."""
        for place, metric in enumerate(_METRICS):
            if self.called(metric) is not name:
                continue
            share = f"{100 * self.named(metric, VerdictName.TRUSTED).mean():.0f} %"
            sizes = f"{np.median(self.user_ess):,.0f} | {np.median(self.reward_ess[:, place]):,.0f}"
            held = " | ".join(str(each) for each in self.default(metric, judged=True))
            whole = [each.value for each in self.default(metric, judged=False)]
            yield f"| {self.cell.name} | {metric} | {sizes} | {share} | {held} | {min(whole):.1f} to {max(whole):.1f} |"

    def other_rows(self) -> Iterator[str]:
        """Lines of Markdown that hold other intervals beside the default, over all logs."""
        for metric in ("ctr", "revenue", "roi"):
            beside = [
                Question(metric, "dr", False, DEFAULT),
                Question(metric, "dr", False, DEFAULT, few=True),
                *(Question(metric, "dr", False, name) for name in ("bootstrap", "bca", "delta")),
                Question(metric, "ips", False, "empirical_likelihood"),
            ]
            held = " | ".join(str(self.coverage(each)) if each in QUESTIONS else "" for each in beside)
            yield f"| {self.cell.name} | {metric} | {held} |"

    def bounded_rows(self) -> Iterator[str]:
        """Lines of Markdown for the bounded methods, with their width beside the delta interval of DR."""
        for question, share in self.bounded():
            asked = f"{question.metric} | {question.estimator} | {question.interval}"
            yield f"| {self.cell.name} | {asked} | {share} | {self.width(question):.1f} × |"
