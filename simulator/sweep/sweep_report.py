"""The typed result of a sweep, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.report.leaderboard import LeaderboardRow, Standing
from simulator.report.replay_report import LogSummary

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from rich.table import Table

__all__ = ["RungReport", "SweepReport", "Winner"]

SCHEMA = "armsreach.sweep.v1"


@dataclass(frozen=True, slots=True)
class RungReport:
    """One round of halving.

    Attributes:
        candidates: How many took part.
        share: Of the train and select periods.
        decisions: In the part of the select period that valued them.
        critical: How many standard errors wide their joint bounds are.
    """

    candidates: int
    share: float
    decisions: int
    critical: float

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "candidates": self.candidates,
            "share": self.share,
            "decisions": self.decisions,
            "critical_value": self.critical,
        }


@dataclass(frozen=True, slots=True)
class Winner:
    """The candidate that was confirmed.

    Attributes:
        row: Its value and lift, of the confirm period alone.
        reasons: Why it is not trusted.
        decisions: That confirmed it.
        campaign: Id of the campaign that its snapshot is of; empty for a SPEC.
        snapshot: Folder of its snapshot, under that of the sweep; empty for a SPEC.
        settings: What it changes, as tables of a campaign's file; empty for a SPEC.
        derived: Whether the campaign was read off the log, so that no server knows it.
    """

    row: LeaderboardRow
    reasons: tuple[str, ...]
    decisions: int
    campaign: str = ""
    snapshot: str = ""
    settings: str = ""
    derived: bool = False

    @property
    def better(self) -> bool:
        """Whether it is better than today's policy, by rows that had no part in choosing it."""
        return self.row.standing is Standing.BETTER

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "candidate": self.row.policy,
            "better": self.better,
            "verdict": self.row.verdict,
            "reasons": list(self.reasons),
            "decisions": self.decisions,
            "value": self.row.value.to_json(),
            "lift": None if self.row.lift is None else self.row.lift.to_json(),
            "campaign": self.campaign or None,
            "snapshot": self.snapshot or None,
            "settings": self.settings or None,
            "promotable": bool(self.snapshot) and not self.derived,
        }


@dataclass(frozen=True, slots=True)
class SweepReport:
    """A whole sweep.

    Attributes:
        log: The log that was swept.
        metric: What candidates were valued by.
        estimator: How.
        level: Of all intervals.
        periods: How the log was parted: `by`, `select_from`, `confirm_from`, `embargo_s`, and decisions of each.
        candidates: How many took part.
        rungs: The rounds.
        rows: The leaderboard: the winner by the confirm period, the others by the last part of select that they saw.
        winner: Whoever was confirmed; None where no candidate seemed better than today's policy.
        notes: What a reader should know.
        folder: Of the sweep, as it was named; empty where nothing was kept.
    """

    log: LogSummary
    metric: str
    estimator: str
    level: float
    periods: Mapping[str, Any]
    candidates: int
    rungs: tuple[RungReport, ...]
    rows: tuple[LeaderboardRow, ...]
    winner: Winner | None
    notes: tuple[str, ...]
    folder: str = ""

    @property
    def better(self) -> bool:
        """Whether a candidate is better than today's policy."""
        return self.winner is not None and self.winner.better

    @property
    def commands(self) -> tuple[str, ...]:
        """What to type next, so that the winner serves; nothing where it is not better, or no server could take it."""
        from simulator.sweep.next_steps import next_steps

        return next_steps(self)

    def to_json(self) -> dict[str, Any]:
        """Plain data; nothing in it depends on where or how often the sweep was begun."""
        return {
            "schema": SCHEMA,
            "log": self.log.to_json(),
            "metric": self.metric,
            "estimator": self.estimator,
            "level": self.level,
            "periods": dict(self.periods),
            "candidates": self.candidates,
            "rungs": [rung.to_json() for rung in self.rungs],
            "answer": str(self).splitlines()[1],
            "better": self.better,
            "winner": None if self.winner is None else self.winner.to_json(),
            "leaderboard": [_row(row) for row in self.rows],
            "notes": list(self.notes),
        }

    def to_polars(self) -> pl.DataFrame:
        """Make a frame of the leaderboard: a row a candidate (see `simulator.report.frames.leaderboard_frame`)."""
        from simulator.report.frames import leaderboard_frame

        return leaderboard_frame(self.rows)

    def to_pandas(self) -> pd.DataFrame:
        """Make the same frame for pandas.

        Raises:
            ModuleNotFoundError: When pandas is not installed.
        """
        from simulator.report.frames import as_pandas

        return as_pandas(self.to_polars())

    def __str__(self) -> str:
        from simulator.report.sweep_summary import sweep_text

        return sweep_text(self)

    def __rich__(self) -> Table:
        from simulator.report.sweep_terminal import sweep_table

        return sweep_table(self)

    def _repr_html_(self) -> str:
        from simulator.report.sweep_html import sweep_card

        return sweep_card(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002  # IPython's signature
        printer.text(str(self))


def _row(row: LeaderboardRow) -> dict[str, Any]:
    return {
        "policy": row.policy,
        "verdict": row.verdict,
        "standing": row.standing.name.lower(),
        "value": row.value.to_json(),
        "lift": None if row.lift is None else row.lift.to_json(),
        "notes": list(row.notes),
    }
