"""The sections of the page that say what policies are worth: ranking, values and lifts, segments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from simulator.metric import Metric
from simulator.report.axis import Axis
from simulator.report.figures import amount, headline, lift, spread
from simulator.report.forest import forest_axis, forest_row
from simulator.report.leaderboard import BASELINE, LeaderboardRow, Standing, leaderboard
from simulator.report.markup import breakable, verdict_badge
from simulator.report.ranking import metric_named
from simulator.report.replay_report import Estimate, MetricReport, PolicyReport, ReplayReport

__all__ = ["leaderboard_table", "metric_section", "ranking_section", "segments_section"]

_MEANINGS = {
    Standing.BETTER: "the interval of the lift lies on the good side of 0",
    Standing.EVEN: "the interval of the lift includes 0",
    Standing.WORSE: "the interval of the lift lies on the bad side of 0",
    Standing.UNJUDGED: "the log cannot tell; these numbers mean nothing",
}


def ranking_section(report: ReplayReport) -> Iterator[str]:
    """Rank the policies, parted by what the intervals of their lifts say."""
    rows = leaderboard(report)
    shown, level = metric_named(report.ranked_by), rows[0].value.level
    yield "<section><h2>Ranking</h2>"
    yield f'<p class="soft">by {escape(shown.label)} · {escape(rows[0].estimator)} · {level:.0%} intervals</p>'
    yield leaderboard_table(rows) + "</section>"


def leaderboard_table(rows: Sequence[LeaderboardRow]) -> str:
    """Write a ranking as a table with a line above each standing; `rows` in the order of `in_order`."""
    head = "".join(f'<th scope="col">{name}</th>' for name in ("#", "policy", "verdict", "value", "lift on logged"))
    body, rank = [], 0
    for standing, same in groupby(rows, lambda row: row.standing):
        body.append(
            f'<tr class="standing {standing.name.lower()}"><th colspan="5" scope="rowgroup">{escape(standing.value)} '
            f"<span>{_MEANINGS[standing]}</span></th></tr>"
        )
        for row in same:
            rank += 1
            share = metric_named(row.metric).share
            up = escape(lift(row.lift, row.baseline, share))
            lifted = (
                "<td>baseline</td>" if row.policy == BASELINE else f'<td class="figure" data-label="lift">{up}</td>'
            )
            notes = "".join(f"<small>{breakable(note)}</small>" for note in row.notes)
            place = "–" if standing is Standing.UNJUDGED else str(rank)
            body.append(
                f'<tr class="{row.verdict}"><td class="rank">{place}</td>'
                f'<th scope="row">{breakable(row.policy)}{notes}</th><td>{verdict_badge(row.verdict)}</td>'
                f'<td class="figure" data-label="value">{escape(spread(row.value, share))}</td>'
                f"{lifted}</tr>"
            )
    return f'<table class="ranking"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'


def metric_section(key: str, order: Sequence[PolicyReport], *, ranks: bool) -> Iterator[str]:
    """Draw a metric: values beside the baseline's, and lifts around 0, each on one axis for all policies."""
    shown = metric_named(key)
    metrics = [policy.metrics[key] for policy in order]
    estimator, baseline = headline(metrics[0]), _metric_of(order, BASELINE, key)
    values = [metric.estimates[headline(metric)] for metric in metrics]
    verdicts = [metric.verdict.name.value for metric in metrics]
    lifts = [policy.versus.get(BASELINE, {}).get(key, {}).get(headline(policy.metrics[key])) for policy in order]
    axis = forest_axis(list(zip(values, verdicts, strict=True)))
    lift_axis = forest_axis(list(zip(lifts, verdicts, strict=True)), anchors=(0.0,))
    lifted = any(one is not None and one.value is not None for one in lifts)
    ranking = " · ranks the policies" if ranks else ""
    yield f"<section><h2>{escape(key)}</h2>"
    yield (
        f'<p class="soft">{escape(shown.label)} · {escape(estimator)} · {values[0].level:.0%} '
        f"{escape(values[0].interval)} intervals{ranking}</p>"
    )
    yield f'<div class="values{"" if lifted else " alone"}" role="list">'
    for policy, metric, value, difference in zip(order, metrics, values, lifts, strict=True):
        base = None if baseline is None else baseline.estimates.get(headline(metric))
        yield f'<div class="policy {metric.verdict.name.value}" role="listitem">'
        yield f'<div class="who"><span class="name">{breakable(policy.policy)}</span> '
        yield verdict_badge(metric.verdict.name.value) + "</div>"
        yield _value_cell(policy.policy, value, axis, metric, shown, base)
        if lifted:
            yield _lift_cell(policy.policy, difference, lift_axis, metric, shown, base)
        yield _others(policy, key, shown, baseline) + "</div>"
    yield "</div></section>"


def segments_section(report: ReplayReport) -> Iterator[str]:
    """Draw each policy's lift on the ranking metric, segment by segment."""
    key, groups = report.ranked_by, report.groups or {}
    shown = metric_named(key)
    policies = [policy.policy for policy in report.policies if policy.policy != BASELINE]
    lifts = {
        (name, value): (_lift_in(group, name, key), _metric_of(group.policies, name, key))
        for name in policies
        for value, group in groups.items()
    }
    drawn = [
        (one, metric.verdict.name.value)
        for one, metric in lifts.values()
        if one is not None and one.value is not None and metric is not None
    ]
    yield f"<section><h2>By {escape(str(report.by))}</h2>"
    if drawn:
        axis = forest_axis([*drawn], anchors=(0.0,))
        yield f'<p class="soft">lift on logged in {escape(shown.label)}</p>'
        for name in policies:
            if all(lifts[name, value][0] is None for value in groups):
                continue
            yield f'<h3>{breakable(name)}</h3><div class="values alone" role="list">'
            for value, group in groups.items():
                one, metric = lifts[name, value]
                if metric is None:
                    continue
                base = _estimate_of(_metric_of(group.policies, BASELINE, key), metric)
                yield f'<div class="policy {metric.verdict.name.value}" role="listitem">'
                yield f'<div class="who"><span class="name">{breakable(value)}</span> '
                yield verdict_badge(metric.verdict.name.value) + "</div>"
                yield _lift_cell(f"{name} in {value}", one, axis, metric, shown, base) + "</div>"
            yield "</div>"
    yield "</section>"


def _value_cell(
    policy: str, value: Estimate, axis: Axis, metric: MetricReport, shown: Metric, base: Estimate | None
) -> str:
    figure = spread(value, shown.share)
    verdict = metric.verdict.name.value
    line = None if base is None else base.value
    plot = forest_row(
        value, axis, verdict, f"{policy}: {figure}, {verdict}", unit="%" if shown.share else "", line=line
    )
    why = f"<small>{escape(value.reason)}</small>" if value.reason and value.value is not None else ""
    return f'<div class="plot"><span class="figure" data-label="value">{escape(figure)}</span>{why}{plot}</div>'


def _lift_cell(
    policy: str, difference: Estimate | None, axis: Axis, metric: MetricReport, shown: Metric, base: Estimate | None
) -> str:
    if difference is None:
        return f'<div class="plot empty">{"baseline" if policy == BASELINE else "–"}</div>'
    figure = lift(difference, base, shown.share)
    verdict = metric.verdict.name.value
    words = f"{policy}: lift {figure}, {verdict}"
    plot = forest_row(difference, axis, verdict, words, unit="pp" if shown.share else "", line=0.0)
    return f'<div class="plot"><span class="figure" data-label="lift">{escape(figure)}</span>{plot}</div>'


def _others(policy: PolicyReport, key: str, shown: Metric, baseline: MetricReport | None) -> str:
    """List the other estimators, folded; the fold itself says whether they agree."""
    metric = policy.metrics[key]
    chosen = headline(metric)
    others = {name: one for name, one in metric.estimates.items() if name != chosen}
    notes = _remarks(chosen, metric.estimates[chosen])
    if not others:
        return f'<p class="others soft">{escape(notes)}</p>' if notes else ""
    values = [one.value for one in others.values() if one.value is not None]
    span = amount(min(values, default=None), shown.share)
    if values and max(values) > min(values):
        span += f" to {amount(max(values), shown.share)}"
    lifts = policy.versus.get(BASELINE, {}).get(key, {})
    rows = []
    for name, one in others.items():
        base = None if baseline is None else baseline.estimates.get(name)
        up = lift(lifts.get(name), base, shown.share) if name in lifts else ""
        rows.append(
            f'<tr><th scope="row">{escape(name)}</th><td>{escape(spread(one, shown.share))}</td>'
            f"<td>{escape(up)}</td><td>{escape(_remarks('', one))}</td></tr>"
        )
    count = f"{len(others)} other estimator{'s' if len(others) > 1 else ''}"
    return (
        f'<details class="others"><summary>{count}: {escape(span)}</summary>'
        f'<table class="estimators">{"".join(rows)}</table>'
        + (f'<p class="soft">{escape(notes)}</p>' if notes else "")
        + "</details>"
    )


def _remarks(name: str, one: Estimate) -> str:
    """Say what an estimator used and what is odd about its number."""
    parts = [
        name if one.parameter is not None or one.note else "",
        f"parameter {one.parameter:.4g}" if one.parameter is not None else "",
        one.note or "",
        one.reason or "" if one.value is None else "",
    ]
    return " · ".join(part for part in parts if part)


def _lift_in(group: ReplayReport, policy: str, key: str) -> Estimate | None:
    for one in group.policies:
        if one.policy == policy:
            return one.versus.get(BASELINE, {}).get(key, {}).get(headline(one.metrics[key]))
    return None


def _metric_of(policies: Sequence[PolicyReport], name: str, key: str) -> MetricReport | None:
    return next((policy.metrics[key] for policy in policies if policy.policy == name), None)


def _estimate_of(baseline: MetricReport | None, metric: MetricReport) -> Estimate | None:
    return None if baseline is None else baseline.estimates.get(headline(metric))
