"""Writes a replay report as one HTML file: no script, nothing fetched, fit for a phone and for print."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files

from simulator.report.figures import headline, lift, size, spread
from simulator.report.forest import forest_axis, forest_row
from simulator.report.replay_report import CAVEAT, PolicyReport, ReplayReport
from simulator.report.terminal import metric_named, ranked, reasons_of

__all__ = ["html_report"]


def html_report(report: ReplayReport, title: str) -> str:
    """Write the whole report.

    Args:
        report: The report.
        title: Name of the log.
    """
    style = files("simulator.report").joinpath("style.css").read_text(encoding="utf-8")
    body = "\n".join(_page(report, title))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Replay of {escape(title)}</title>\n<style>\n{style}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _page(report: ReplayReport, title: str) -> Iterator[str]:
    log = report.log
    yield f"<h1>Replay of {escape(title)}</h1>"
    modes = ", ".join(f"{count:,} {mode}" for mode, count in log.modes.items())
    facts = [f"{log.decisions:,} decisions ({modes})", f"{log.users:,} users", f"{log.arms:,} arms"]
    if log.single_arm:
        facts.append(f"{log.single_arm:,} with a single arm")
    yield f"<p>{escape(' · '.join(facts))}</p>"
    if log.first is not None:
        yield f'<p class="soft">{escape(log.first)} to {escape(str(log.last))}</p>'
    yield f'<p class="caveat">{escape(CAVEAT)}</p>'
    yield from _body(report)
    for value, group in (report.groups or {}).items():
        yield f"<h1>{escape(str(report.by))} = {escape(value)}</h1>"
        yield f"<p>{group.log.decisions:,} decisions</p>"
        yield from _body(group)
    notes = report.notes
    notes += [warning for warning in log.warnings if warning != CAVEAT]
    if notes:
        yield "<h2>Notes</h2><ul>" + "".join(f"<li>{escape(note)}</li>" for note in notes) + "</ul>"


def _body(report: ReplayReport) -> Iterator[str]:
    order = ranked(report)
    keys = list(order[0].metrics)
    # The metric that ranks comes first: it is what a reader decides by.
    for key in sorted(keys, key=lambda key: key != report.ranked_by):
        yield from _metric(key, order, key == report.ranked_by)
    yield from _support(order)
    reasons = list(reasons_of(report))
    if reasons:
        yield "<h2>Why not trusted</h2><ul>"
        for policy, verdict, metrics, why in reasons:
            yield (
                f'<li><span class="{verdict}">{verdict}</span> <b>{escape(policy)}</b> on {escape(metrics)}: '
                f"{escape(why)}</li>"
            )
        yield "</ul>"


def _metric(key: str, order: list[PolicyReport], ranks: bool) -> Iterator[str]:
    shown = metric_named(key)
    estimates = [policy.metrics[key].estimates[headline(policy.metrics[key])] for policy in order]
    axis = forest_axis(estimates)
    estimator = headline(order[0].metrics[key])
    ranking = ", ranks the policies" if ranks else ""
    yield f"<h2>{escape(key)}</h2>"
    yield f'<p class="soft">{escape(shown.label)} · {estimator}, {estimates[0].level:.0%} intervals{ranking}</p>'
    baseline = next((policy.metrics[key].estimates[estimator] for policy in order if policy.policy == "logged"), None)
    for policy, estimate in zip(order, estimates, strict=True):
        verdict = policy.metrics[key].verdict.name.value
        difference = policy.versus.get("logged", {}).get(key, {}).get(estimator)
        up = lift(difference, baseline, shown.share)
        change = "" if policy.policy == "logged" or up == "–" else f'<span class="soft">{escape(up)} on logged</span>'
        others = " · ".join(
            f"{name} {spread(other, shown.share)}"
            for name, other in policy.metrics[key].estimates.items()
            if name != estimator
        )
        yield (
            f'<div class="policy"><div class="head"><span class="name">{escape(policy.policy)}</span>'
            f'<span class="verdict {verdict}">{verdict}</span>'
            f'<span class="value">{escape(spread(estimate, shown.share))}</span>{change}</div>'
            f"{forest_row(estimate, axis, verdict, shown.share, None if baseline is None else baseline.value)}"
            + (f'<p class="soft">{escape(others)}</p>' if others else "")
            + "</div>"
        )


def _support(order: list[PolicyReport]) -> Iterator[str]:
    yield "<h2>Support</h2>"
    yield '<p class="soft">Effective users, rewarded users and decisions; weights; what the log never plays.</p>'
    columns = ("policy", "users", "rewarded", "decisions", "max weight", "mean weight", "unsupported", "fallback")
    yield '<div class="scroll"><table><tr>' + "".join(f"<th>{column}</th>" for column in columns) + "</tr>"
    for policy in order:
        seen = policy.diagnostics
        mean = "–" if seen.mean_weight is None else f"{seen.mean_weight:.3g}"
        if seen.mean_weight_low is not None and seen.mean_weight_high is not None:
            mean += f" [{seen.mean_weight_low:.3g}, {seen.mean_weight_high:.3g}]"
        cells = [
            escape(policy.policy),
            size(seen.user_ess),
            size(seen.reward_ess),
            size(seen.ess),
            f"{seen.max_weight:,.0f}" if seen.max_weight >= 1000 else f"{seen.max_weight:.4g}",
            mean,
            f"{seen.unsupported_mass:.1%}",
            f"{policy.fallback_share:.1%}",
        ]
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</table></div>"
