"""Which policy comes first, and why one may not be believed."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.metric import Metric, metric_table
from simulator.report.figures import headline
from simulator.report.replay_report import PolicyReport, ReplayReport

__all__ = ["less_is_more", "metric_named", "ranked", "reasons_of"]

_UNWANTED = frozenset({"cost", "unsubscribe"})


def ranked(report: ReplayReport) -> list[PolicyReport]:
    """Order policies by the ranking metric, best first; undefined last, refused ones after those with a verdict."""
    sign = 1.0 if less_is_more(report.ranked_by) else -1.0

    def place(policy: PolicyReport) -> tuple[bool, float]:
        metric = policy.metrics[report.ranked_by]
        value = metric.estimates[headline(metric)].value
        refused = metric.verdict.name.value == "refused"
        return refused, float("inf") if value is None else sign * value

    return sorted(report.policies, key=place)


def less_is_more(key: str) -> bool:
    """Whether a smaller value of the metric is the better one."""
    return key in _UNWANTED


def metric_named(key: str) -> Metric:
    """Look up how a metric is shown."""
    known = metric_table()
    return known[key] if key in known else Metric(key, f"{key} / decision", {}, {}, False)


def reasons_of(report: ReplayReport) -> Iterator[tuple[str, str, str, str]]:
    """Yield (policy, verdict, metrics, reasons), metrics with the same verdict and reasons together."""
    for policy in report.policies:
        together: dict[tuple[str, str], list[str]] = {}
        for key, metric in policy.metrics.items():
            if metric.verdict.reasons:
                together.setdefault((metric.verdict.name.value, "; ".join(metric.verdict.reasons)), []).append(key)
        for (verdict, reasons), keys in together.items():
            yield policy.policy, verdict, ", ".join(keys), reasons
