"""Policies ranked beside the one that made the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from simulator.report.figures import headline
from simulator.report.ranking import less_is_more, ranked
from simulator.report.replay_report import Estimate, ReplayReport

__all__ = ["BASELINE", "LeaderboardRow", "Standing", "in_order", "leaderboard", "standing"]

BASELINE = "logged"
#: Sums of floats of two policies that play the same may differ by this.
_ZERO = 1e-12


class Standing(StrEnum):
    """What the interval of the lift says; the text is what a reader sees above such rows."""

    BETTER = "better than logged"
    EVEN = "no better than logged"
    WORSE = "worse than logged"
    UNJUDGED = "no verdict"


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """One policy, or one candidate of a sweep.

    Attributes:
        policy: Its SPEC, or the candidate's name.
        verdict: trusted, weak or refused.
        standing: Against the baseline.
        metric: Key of the ranking metric.
        estimator: Key of the estimator that both numbers come from.
        value: Of the ranking metric.
        lift: Paired difference to the baseline; None for the baseline itself, or where there is none.
        baseline: The baseline's value, for a lift in per cent.
        notes: What a reader should know.
    """

    policy: str
    verdict: str
    standing: Standing
    metric: str
    estimator: str
    value: Estimate
    lift: Estimate | None
    baseline: Estimate | None
    notes: tuple[str, ...] = ()


def leaderboard(report: ReplayReport) -> list[LeaderboardRow]:
    """Rank a report's policies: the better ones first, those with no verdict last, by value within each standing."""
    key = report.ranked_by
    order = ranked(report)
    logged = next((policy.metrics[key] for policy in order if policy.policy == BASELINE), None)
    rows = []
    for policy in order:
        metric = policy.metrics[key]
        estimator = headline(metric)
        lift = policy.versus.get(BASELINE, {}).get(key, {}).get(estimator)
        rows.append(
            LeaderboardRow(
                policy=policy.policy,
                verdict=metric.verdict.name.value,
                standing=standing(metric.verdict.name.value, lift, less=less_is_more(key)),
                metric=key,
                estimator=estimator,
                value=metric.estimates[estimator],
                lift=lift,
                baseline=None if logged is None else logged.estimates.get(estimator),
                notes=policy.notes,
            )
        )
    return in_order(rows)


def standing(verdict: str, lift: Estimate | None, *, less: bool = False) -> Standing:
    """Read the interval of a lift; one that includes 0, or that there is none of, shows nothing.

    Args:
        verdict: A refused policy stands nowhere, whatever its interval.
        lift: Paired difference to the baseline.
        less: Whether a smaller value of the metric is the better one.
    """
    if verdict == "refused":
        return Standing.UNJUDGED
    if lift is None or lift.low is None or lift.high is None or (lift.low <= _ZERO and lift.high >= -_ZERO):
        return Standing.EVEN
    return Standing.BETTER if (lift.low > 0.0) != less else Standing.WORSE


def in_order(rows: Sequence[LeaderboardRow]) -> list[LeaderboardRow]:
    """Put rows, best value first, under their standings."""
    places = list(Standing)
    return sorted(rows, key=lambda row: places.index(row.standing))
