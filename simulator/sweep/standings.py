"""The leaderboard of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulator.report.leaderboard import BASELINE, LeaderboardRow, in_order, standing
from simulator.report.replay_report import Estimate
from simulator.sweep.halving import Rung
from simulator.sweep.measured import Measured

__all__ = ["confirmed_row", "ranked_rows"]

_JOINT = "max_t"


def confirmed_row(name: str, measured: Measured, metric: str, estimator: str, *, less: bool) -> LeaderboardRow:
    """Show the winner by the confirm period: one candidate, one interval, nothing to adjust for."""
    return LeaderboardRow(
        policy=name,
        verdict=measured.verdict,
        standing=standing(measured.verdict, measured.difference, less=less),
        metric=metric,
        estimator=estimator,
        value=measured.value,
        lift=measured.difference,
        baseline=measured.baseline,
        notes=("its numbers are of the confirm period, which had no part in choosing it", *measured.notes),
    )


def ranked_rows(
    rungs: Sequence[Rung],
    logged: Measured,
    winner: LeaderboardRow | None,
    decisions: Mapping[int, int],
    metric: str,
    estimator: str,
    level: float,
    *,
    less: bool,
) -> list[LeaderboardRow]:
    """Rank all candidates, with a line at "no better than logged".

    Args:
        rungs: The rounds.
        logged: Today's policy on the whole select period.
        winner: By the confirm period; its numbers of the select period, which chose it, are shown nowhere.
        decisions: Rung → decisions that valued candidates there.
        metric: Key of the metric.
        estimator: Key of the estimator.
        level: Of the joint intervals.
        less: Whether less of the metric is better.
    """
    rows = [winner] if winner is not None else []
    shown = {row.policy for row in rows}
    for rung in reversed(rungs):
        last = rung is rungs[-1]
        order = sorted(rung.measured, key=lambda name, at=rung: -at.bounds[name].own_low)  # type: ignore[misc]
        for name in rung.kept if last else order:
            if name in shown:
                continue
            shown.add(name)
            measured = rung.measured[name]
            lift = _joint(measured, rung.critical, level)
            dropped = f"dropped after {decisions[rung.number]:,} decisions of the select period"
            rows.append(
                LeaderboardRow(
                    policy=name,
                    verdict=measured.verdict,
                    standing=standing(measured.verdict, lift, less=less),
                    metric=metric,
                    estimator=estimator,
                    value=measured.value,
                    lift=lift,
                    baseline=measured.baseline,
                    notes=((() if last else (dropped,)) + _reasons(measured)),
                )
            )
        if last:
            rows.append(_logged(logged, metric, estimator))
    return in_order(rows)


def _joint(measured: Measured, critical: float, level: float) -> Estimate:
    """Give a lift the interval that holds for all candidates at once."""
    one = measured.difference
    if one.value is None:
        return one
    half = critical * measured.deviation if measured.deviation > 0.0 else 0.0
    if half == float("inf"):
        return Estimate(one.value, None, None, level, _JOINT, "too few users to say how far off it is")
    return Estimate(one.value, one.value - half, one.value + half, level, _JOINT)


def _reasons(measured: Measured) -> tuple[str, ...]:
    return measured.reasons[:1] if measured.verdict == "refused" else ()


def _logged(measured: Measured, metric: str, estimator: str) -> LeaderboardRow:
    return LeaderboardRow(
        policy=BASELINE,
        verdict=measured.verdict,
        standing=standing(measured.verdict, None),
        metric=metric,
        estimator=estimator,
        value=measured.value,
        lift=None,
        baseline=measured.value,
    )
