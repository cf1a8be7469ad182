"""The typed result of a replay, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.diagnostics import Diagnostics
from simulator.report.pictures import LogPictures, PolicyPictures
from simulator.verdict import Verdict, VerdictName

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from rich.table import Table

__all__ = ["CAVEAT", "Estimate", "LogSummary", "MetricReport", "PolicyReport", "ReplayReport"]

SCHEMA = "armsreach.replay.v1"
CAVEAT = (
    "One-step counterfactual: each decision is changed on its own; "
    "earlier decisions, caps and budget prices stay as they were logged."
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval; what is undefined is None and `reason` says why.

    Attributes:
        value: The estimate.
        low: Lower end of its interval.
        high: Upper end.
        level: Level of the interval, in (0, 1).
        interval: Name of the interval.
        reason: Why there is no value, or no interval.
        parameter: The clip, threshold or shrinkage that the estimator used, where it has one.
        note: What a reader of this one number should know.
    """

    value: float | None
    low: float | None
    high: float | None
    level: float
    interval: str
    reason: str | None = None
    parameter: float | None = None
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Write it as the report format has it."""
        fields: dict[str, Any] = {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "interval": self.interval,
        }
        optional = {"reason": self.reason, "parameter": self.parameter, "note": self.note}
        return fields | {name: value for name, value in optional.items() if value is not None}


@dataclass(frozen=True, slots=True)
class MetricReport:
    """One metric of one policy, by estimator."""

    verdict: Verdict
    estimates: Mapping[str, Estimate]

    def to_json(self) -> dict[str, Any]:
        """Write it as the report format has it."""
        return {
            "verdict": self.verdict.name.value,
            "reasons": list(self.verdict.reasons),
            **{key: estimate.to_json() for key, estimate in self.estimates.items()},
        }


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """One policy.

    Attributes:
        policy: Its SPEC.
        verdict: That of its first metric.
        fallback_share: Share of decisions where a stand-in answered.
        diagnostics: What the log can say for it; None when there is no row to judge it on.
        metrics: By key, in the order asked for.
        versus: Baseline → metric → estimator → paired difference.
        notes: What a reader should know, such as the arm that was chosen.
        pictures: What the page draws of it; never in the JSON form.
    """

    policy: str
    verdict: Verdict
    fallback_share: float
    diagnostics: Diagnostics
    metrics: Mapping[str, MetricReport]
    versus: Mapping[str, Mapping[str, Mapping[str, Estimate]]]
    notes: tuple[str, ...] = ()
    pictures: PolicyPictures | None = None

    def to_json(self) -> dict[str, Any]:
        """Write it as the report format has it."""
        diagnostics = self.diagnostics
        names = type(diagnostics).__slots__
        return {
            "policy": self.policy,
            "verdict": self.verdict.name.value,
            "reasons": list(self.verdict.reasons),
            "fallback_share": self.fallback_share,
            "diagnostics": {
                name: list(value) if isinstance(value := getattr(diagnostics, name), tuple) else value for name in names
            },
            "metrics": {key: metric.to_json() for key, metric in self.metrics.items()},
            "versus": {
                baseline: {
                    metric: {key: estimate.to_json() for key, estimate in estimates.items()}
                    for metric, estimates in metrics.items()
                }
                for baseline, metrics in self.versus.items()
            },
        }


@dataclass(frozen=True, slots=True)
class LogSummary:
    """What was replayed; every number of decisions honours `count`."""

    decisions: int
    users: int
    arms: int
    modes: Mapping[str, int]
    single_arm: int
    first: str | None
    last: str | None
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Write it as the report format has it."""
        return {
            "decisions": self.decisions,
            "users": self.users,
            "arms": self.arms,
            "modes": dict(self.modes),
            "single_arm": self.single_arm,
            "first": self.first,
            "last": self.last,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """A whole replay.

    Attributes:
        log: What was replayed.
        policies: In the order asked for.
        ranked_by: Metric that ranks the policies for people.
        by: Column the report is broken down by, if any.
        groups: Value of that column → its own report.
        pictures: What the page draws of the log; never in the JSON form.
    """

    log: LogSummary
    policies: tuple[PolicyReport, ...]
    ranked_by: str
    by: str | None = None
    groups: Mapping[str, ReplayReport] | None = None
    pictures: LogPictures | None = None

    def policy(self, spec: str) -> PolicyReport:
        """Find a policy's report by its SPEC.

        Raises:
            KeyError: When it was not replayed.
        """
        for report in self.policies:
            if report.policy == spec:
                return report
        raise KeyError(spec)

    @property
    def notes(self) -> list[str]:
        """What policies say of themselves, such as the arm that was chosen."""
        return list(dict.fromkeys(note for policy in self.policies for note in policy.notes))

    @property
    def refused(self) -> bool:
        """Whether a policy other than `logged` got no verdict."""
        return any(p.verdict.name is VerdictName.REFUSED for p in self.policies if p.policy != "logged")

    def to_json(self) -> dict[str, Any]:
        """Write it as the report format has it; a break-down adds `by`."""
        report: dict[str, Any] = {
            "schema": SCHEMA,
            "log": {**self.log.to_json(), "warnings": [*self.log.warnings, *self.notes]},
            "policies": [policy.to_json() for policy in self.policies],
        }
        if self.by is not None and self.groups is not None:
            groups = [
                {"value": value, "log": group.log.to_json(), "policies": [p.to_json() for p in group.policies]}
                for value, group in self.groups.items()
            ]
            report["by"] = {"column": self.by, "groups": groups}
        return report

    def to_polars(self, baseline: str = "logged") -> pl.DataFrame:
        """Make a tidy frame: a row a policy, metric, estimator and segment (see `simulator.report.frames`)."""
        from simulator.report.frames import replay_frame

        return replay_frame(self, baseline)

    def to_pandas(self, baseline: str = "logged") -> pd.DataFrame:
        """Make the same frame for pandas.

        Raises:
            ModuleNotFoundError: When pandas is not installed.
        """
        from simulator.report.frames import as_pandas

        return as_pandas(self.to_polars(baseline))

    def diagnostics_frame(self) -> pl.DataFrame:
        """Make a frame of what the log can say: a row a policy and segment."""
        from simulator.report.frames import diagnostics_frame

        return diagnostics_frame(self)

    def leaderboard_frame(self) -> pl.DataFrame:
        """Make a frame of the ranking: a row a policy, best first, with its lift on the logged policy."""
        from simulator.report.frames import leaderboard_frame
        from simulator.report.leaderboard import leaderboard

        return leaderboard_frame(leaderboard(self))

    def __str__(self) -> str:
        from simulator.report.summary import summary_text

        return summary_text(self)

    def __rich__(self) -> Table:
        from simulator.report.summary import summary_table

        return summary_table(self)

    def _repr_html_(self) -> str:
        from simulator.report.notebook import report_card

        return report_card(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002  # IPython's signature
        printer.text(str(self))
