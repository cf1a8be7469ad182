"""What has to be said of single numbers: another kind of interval, none at all, or an estimator's own note."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulator.report.figures import headline
from simulator.report.replay_report import Estimate, PolicyReport

__all__ = ["remarks"]


def remarks(key: str, order: Sequence[PolicyReport], *, all_estimators: bool) -> Iterator[str]:
    """Yield what a table of a metric cannot show, numbers of which the same is true together.

    Args:
        key: The metric.
        order: The policies in it.
        all_estimators: Whether the table shows them all, or only the headline.
    """
    usual = order[0].metrics[key].estimates[headline(order[0].metrics[key])].interval
    together: dict[str, dict[str, list[str]]] = {}
    for policy in order:
        metric = policy.metrics[key]
        for name, estimate in metric.estimates.items():
            if all_estimators or name == headline(metric):
                for remark in _of(estimate, usual):
                    together.setdefault(remark, {}).setdefault(name, []).append(policy.policy)
    for remark, places in together.items():
        yield f"{_where(places, len(order))}: {remark}"


def _of(estimate: Estimate, usual: str) -> Iterator[str]:
    if estimate.note:
        yield estimate.note
    # Why a value is missing stands among the reasons of the verdict.
    if estimate.value is not None:
        if estimate.reason:
            yield estimate.reason
        elif estimate.interval != usual and estimate.low is not None:
            yield f"{estimate.interval} interval"


def _where(places: dict[str, list[str]], of: int) -> str:
    """Name estimators, and policies unless it is true of all.

    >>> _where({"ips": ["uniform"], "snips": ["uniform"]}, 4)
    'ips, snips of uniform'
    """
    by_policies: dict[tuple[str, ...], list[str]] = {}
    for estimator, policies in places.items():
        by_policies.setdefault(tuple(policies), []).append(estimator)
    return "; ".join(
        ", ".join(estimators) + ("" if len(policies) == of else f" of {', '.join(policies)}")
        for policies, estimators in by_policies.items()
    )
