"""Replays policies on a log: the whole job in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TypeVar

import numpy as np

from engine.core.errors import InvalidInput
from simulator.clusters import Clusters
from simulator.defaults import DEFAULT_ESTIMATORS, default_metrics, default_policies, ranking_metric
from simulator.estimators import ESTIMATORS
from simulator.log import MODES, NO_TIME, VALUED_MODES, Log
from simulator.log_columns import column_values
from simulator.log_narrowing import narrowed
from simulator.log_parts import parted
from simulator.metric import Metric, metric_table
from simulator.quantities import OBJECTIVE_TERMS, Quantities
from simulator.replay import Replay
from simulator.replay_settings import ReplaySettings
from simulator.report.replay_report import CAVEAT, LogSummary, ReplayReport
from simulator.timestamps import rfc3339

__all__ = ["evaluate"]

_MOST_GROUPS = 50
_T = TypeVar("_T")


def evaluate(
    log: Log,
    *,
    policies: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    estimators: Sequence[str] = DEFAULT_ESTIMATORS,
    settings: ReplaySettings | None = None,
) -> ReplayReport:
    """Say what policies would have earned on the decisions of a log, and whether the log can tell.

    Args:
        log: The decisions.
        policies: SPECs; by default logged, uniform, best_constant, and constant:hold where hold was played.
        metrics: Keys; by default those whose outcomes occur in the log. The first gives a policy its verdict.
        estimators: Keys.
        settings: Everything else.

    Raises:
        InvalidInput: When a name is unknown, or the settings do not fit the log.
    """
    settings = settings or ReplaySettings()
    for term in settings.objective:
        _known(term, dict.fromkeys((*OBJECTIVE_TERMS, *log.outcomes.kinds)), "--objective")
    log = parted(narrowed(log, settings))
    keys = list(metrics) if metrics else default_metrics(log.select(log.valued), settings.objective)
    if settings.objective and "objective" not in keys:
        keys.append("objective")
    table = _metrics(settings)
    chosen = [_known(key, table, "--metric") for key in keys]
    report = _report(log, policies, chosen, estimators, settings)
    if settings.by is None:
        return report
    return replace(report, by=settings.by, groups=_groups(log, policies, chosen, estimators, settings))


def _metrics(settings: ReplaySettings) -> Mapping[str, Metric]:
    table = dict(metric_table(settings.margin))
    if settings.objective:
        table["objective"] = Metric("objective", "objective / decision", {"objective": 1.0}, {}, False)
    return table


def _known(key: str, table: Mapping[str, _T], flag: str) -> _T:
    if key in table:
        return table[key]
    near = get_close_matches(key, table, n=1)
    hint = f"did you mean {near[0]}?" if near else "use one of " + ", ".join(table)
    raise InvalidInput(f"expected one of {', '.join(table)}; got {key!r}; {hint}", field=flag)


def _report(
    log: Log,
    policies: Sequence[str] | None,
    metrics: Sequence[Metric],
    estimators: Sequence[str],
    settings: ReplaySettings,
) -> ReplayReport:
    valued = log.select(log.valued)
    if not valued.rows:
        raise InvalidInput(
            f"expected decisions of mode {', '.join(VALUED_MODES)}, got none; the others do not value a policy",
            field="mode",
        )
    by_key = {metric.key: metric for metric in metrics}
    ranked_by = ranking_metric(list(by_key))
    chosen = [_known(key, ESTIMATORS, "--estimator") for key in dict.fromkeys(estimators)]
    replay = Replay(valued, metrics, chosen, settings, by_key[ranked_by])
    specs = list(dict.fromkeys(policies)) if policies else default_policies(valued)
    reports = tuple(replay.policy(spec) for spec in specs)
    return ReplayReport(_summary(log, settings), reports, ranked_by)


def _groups(
    log: Log,
    policies: Sequence[str] | None,
    metrics: Sequence[Metric],
    estimators: Sequence[str],
    settings: ReplaySettings,
) -> Mapping[str, ReplayReport]:
    by = settings.by or ""
    values = np.array(["(none)" if value is None else str(value) for value in column_values(log, by)], dtype=object)
    names = sorted(set(values[log.valued]))
    if len(names) > _MOST_GROUPS:
        raise InvalidInput(
            f"expected a column of at most {_MOST_GROUPS} values, got {len(names)} in {by!r}; group by a coarser one",
            field="--by",
        )
    return {name: _report(log.select(values == name), policies, metrics, estimators, settings) for name in names}


def _summary(log: Log, settings: ReplaySettings) -> LogSummary:
    modes = {mode: int(log.count[log.mode == code].sum()) for code, mode in enumerate(MODES)}
    times = log.decided_at[log.decided_at != NO_TIME]
    return LogSummary(
        decisions=log.decisions,
        users=int(np.unique(log.user[log.user >= 0]).size),
        arms=int(np.unique(log.eligible).size),
        modes={mode: count for mode, count in modes.items() if count},
        single_arm=int(log.count[log.lengths == 1].sum()),
        first=rfc3339(int(times.min())) if times.size else None,
        last=rfc3339(int(times.max())) if times.size else None,
        warnings=(CAVEAT, *log.warnings, *_warnings(log, settings, modes)),
    )


def _warnings(log: Log, settings: ReplaySettings, modes: Mapping[str, int]) -> list[str]:
    warnings = []
    apart = {mode: count for mode, count in modes.items() if count and mode not in VALUED_MODES}
    if apart:
        listed = ", ".join(f"{count} {mode}" for mode, count in apart.items())
        warnings.append(f"left out of policy values: {listed}")
    if not Clusters.of(log, settings.cluster).clustered:
        warnings.append("decisions without a user are taken as independent: intervals are unclustered for them")
    if "position" in log.extra or "slate" in log.extra:
        warnings.append("slates are judged per position: no effect of one position on another is estimated")
    cut_off = Quantities(log, reward_max=settings.reward_max).cut_off
    if cut_off:
        warnings.append(f"revenue of {cut_off} rows is cut off at {settings.reward_max:g} (--reward-max)")
    return warnings
