"""Replays policies on a log: the whole job in one call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TypeVar

from threadpoolctl import threadpool_limits

from engine.core.errors import InvalidInput
from simulator.defaults import default_estimators, default_metrics, default_policies, ranking_metric
from simulator.estimators import ESTIMATORS
from simulator.log import VALUED_MODES
from simulator.log_facts import LogFacts
from simulator.log_group import Group, group_names
from simulator.log_narrowing import Narrowed
from simulator.log_source import LogSource
from simulator.log_whole import in_time_order
from simulator.metric import Metric, metric_table
from simulator.quantities import OBJECTIVE_TERMS
from simulator.replay import Replay
from simulator.replay_settings import ReplaySettings
from simulator.report.replay_report import ReplayReport
from simulator.reward_models import MODELS

__all__ = ["evaluate"]

_MOST_GROUPS = 50
#: Policies that learn row by row, by themselves or with a share held, need the log in the order of its time.
_LEARNS = re.compile(r"(holding:[^:]*:)*vw:")
_T = TypeVar("_T")


def evaluate(
    log: LogSource,
    *,
    policies: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    estimators: Sequence[str] | None = None,
    settings: ReplaySettings | None = None,
) -> ReplayReport:
    """Say what policies would have earned on the decisions of a log, and whether the log can tell.

    Args:
        log: The decisions: a `Log` in memory, or a scanned file.
        policies: SPECs; by default logged, uniform, best_constant, and constant:hold where hold was played.
        metrics: Keys; by default those whose outcomes occur in the log. The first gives a policy its verdict.
        estimators: Keys; by default ips, snips and dr, and bipw where propensities are estimated.
        settings: Everything else.

    Raises:
        InvalidInput: When a name is unknown, or the settings do not fit the log.
    """
    # Matrices are small here: threads of their own cost more than they bring, and much more on a busy machine.
    with threadpool_limits(1, user_api="blas"):
        return _evaluated(log, policies, metrics, estimators, settings or ReplaySettings())


def _evaluated(
    log: LogSource,
    policies: Sequence[str] | None,
    metrics: Sequence[str] | None,
    estimators: Sequence[str] | None,
    settings: ReplaySettings,
) -> ReplayReport:
    narrowed: LogSource = Narrowed(log, settings)
    if any(_LEARNS.match(spec) for spec in policies or ()):
        narrowed = in_time_order(narrowed)
    unsure = None if settings.delay_us else settings.as_of
    facts = LogFacts.of(narrowed, cluster=settings.cluster, reward_max=settings.reward_max, as_of=unsure)
    for term in settings.objective:
        _known(term, dict.fromkeys((*OBJECTIVE_TERMS, *facts.kinds)), "--objective")
    if metrics is not None and not metrics:
        raise InvalidInput("expected at least one metric, got none; name one or drop the flag", field="--metric")
    keys = list(dict.fromkeys(metrics)) if metrics else default_metrics(facts, settings.objective)
    if settings.objective and "objective" not in keys:
        keys.append("objective")
    _known(settings.model, MODELS, "--model")
    table = _metrics(settings)
    chosen = [_known(key, table, "--metric") for key in keys]
    estimators = estimators or default_estimators(facts)
    report = _report(facts, policies, chosen, estimators, settings)
    if settings.by is None:
        return report
    groups = _groups(narrowed, policies, chosen, estimators, settings)
    told = f"intervals of the {len(groups)} segments hold at once: each is widened for their number (Bonferroni)"
    summary = replace(report.log, warnings=(*report.log.warnings, *([told] if len(groups) > 1 else [])))
    return replace(report, log=summary, by=settings.by, groups=groups)


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
    facts: LogFacts,
    policies: Sequence[str] | None,
    metrics: Sequence[Metric],
    estimators: Sequence[str],
    settings: ReplaySettings,
) -> ReplayReport:
    if not facts.rows:
        raise InvalidInput(
            f"expected decisions of mode {', '.join(VALUED_MODES)}, got none; the others do not value a policy",
            field="mode",
        )
    by_key = {metric.key: metric for metric in metrics}
    ranked_by = ranking_metric(list(by_key))
    chosen = [_known(key, ESTIMATORS, "--estimator") for key in dict.fromkeys(estimators)]
    specs = list(dict.fromkeys(policies)) if policies else default_policies(facts)
    replay = Replay(facts, specs, metrics, chosen, settings, by_key[ranked_by])
    reports = replay.reports()
    return ReplayReport(facts.summary, reports, ranked_by, pictures=replay.pictures())


def _groups(
    log: LogSource,
    policies: Sequence[str] | None,
    metrics: Sequence[Metric],
    estimators: Sequence[str],
    settings: ReplaySettings,
) -> Mapping[str, ReplayReport]:
    by = settings.by or ""
    names: set[str] = set()
    for chunk in log.chunks():
        names |= set(group_names(chunk, by)[chunk.valued])
        if len(names) > _MOST_GROUPS:
            raise InvalidInput(
                f"expected a column of at most {_MOST_GROUPS} values, got more in {by!r}; group by a coarser one",
                field="--by",
            )
    adjusted = replace(settings, segments=len(names), pictures=False)
    reports = {}
    for name in sorted(names):
        facts = LogFacts.of(Group(log, by, name), cluster=settings.cluster, reward_max=settings.reward_max)
        reports[name] = _report(facts, policies, metrics, estimators, adjusted)
    return reports
