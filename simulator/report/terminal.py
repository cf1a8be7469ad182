"""Prints a replay report so that it can be read in a terminal of 100 columns."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from simulator.report.colours import MARKS
from simulator.report.figures import headline, lift, size, spread
from simulator.report.ranking import metric_named, ranked, reasons_of
from simulator.report.remarks import remarks
from simulator.report.replay_report import MetricReport, PolicyReport, ReplayReport
from simulator.report.summary import VERDICT_STYLES, facts

__all__ = ["print_report"]

_WIDTH = 100
_LONGEST_SPEC = 24


def print_report(report: ReplayReport, title: str, console: Console) -> None:
    """Print the whole report: what was replayed, a table a metric, support, reasons, caveats."""
    console.width = min(console.width, _WIDTH) if console.is_terminal else _WIDTH
    _print_log(report, title, console)
    _print_body(report, console)
    for value, group in (report.groups or {}).items():
        console.rule(Text(f"{report.by} = {value}: {group.log.decisions:,} decisions"), align="left")
        _print_body(group, console)
    for warning in report.log.warnings:
        console.print(Padding(Text(f"· {warning}", style="dim"), (0, 0, 0, 1)))


def _print_log(report: ReplayReport, title: str, console: Console) -> None:
    log = report.log
    console.print()
    console.print(Text.assemble(("Replay of ", "bold"), (title, "bold cyan")))
    console.print(Text(" · ".join(facts(log))))
    if log.first is not None:
        console.print(Text(f"{log.first} to {log.last}", style="dim"))
    console.print()


def _print_body(report: ReplayReport, console: Console) -> None:
    order = ranked(report)
    for key in order[0].metrics:
        ranks = key == report.ranked_by
        console.print(_metric_table(key, order, ranks))
        for remark in remarks(key, order, all_estimators=ranks):
            console.print(Padding(Text(f"· {remark}", style="dim"), (0, 0, 0, 1)))
    console.print(_support_table(order))
    for policy, verdict, keys, reasons in reasons_of(report):
        text = Text.assemble(
            (f"{verdict} ", VERDICT_STYLES[verdict]), (_short(policy), "bold"), f" on {keys}: {reasons}"
        )
        console.print(Padding(text, (0, 0, 0, 1)))
    for note in report.notes:
        console.print(Padding(Text(f"· {note}"), (0, 0, 0, 1)))
    console.print()


def _metric_table(key: str, order: list[PolicyReport], all_estimators: bool) -> Table:
    """Show a metric: the headline estimator for each policy, all of them for the metric that ranks."""
    shown = metric_named(key)
    first = order[0].metrics[key]
    example = first.estimates[headline(first)]
    note = "ranks the policies" if all_estimators else headline(first)
    kind = f"{example.level:.0%} {example.interval} intervals"
    table = Table(
        title=f"[bold]{escape(key)}[/]  [dim]{escape(shown.label)} · {kind} · {note}[/]",
        title_justify="left",
        box=None,
        width=_WIDTH,
        padding=(0, 1),
        header_style="dim",
    )
    table.add_column("policy", no_wrap=True, width=_LONGEST_SPEC)
    table.add_column("verdict", no_wrap=True, width=9)
    # Folded rather than cut off: half an interval would mislead.
    table.add_column("value", overflow="fold", width=25)
    table.add_column("lift on logged", overflow="fold", width=34)
    baseline = next((policy.metrics[key] for policy in order if policy.policy == "logged"), None)
    for policy in order:
        metric = policy.metrics[key]
        name = headline(metric)
        table.add_row(*_cells(policy, key, name, baseline, shown.share))
        if metric.estimates[name].parameter is not None:
            table.add_row(Text(f"  {name}", style="dim"), _parameter(metric.estimates[name].parameter), "", "")
        if all_estimators:
            for other, estimate in metric.estimates.items():
                if other != name:
                    _, _, value, up = _cells(policy, key, other, baseline, shown.share)
                    table.add_row(
                        Text(f"  {other}", style="dim"),
                        _parameter(estimate.parameter),
                        Text(str(value), style="dim"),
                        Text(str(up), style="dim"),
                    )
    return table


def _parameter(value: float | None) -> Text:
    """Write the clip, threshold or shrinkage of an estimator, at most nine characters."""
    if value is None:
        return Text("")
    shown = f"{value:,.0f}" if 1000 <= value < 100_000 else f"{value:.3g}"
    return Text(f"at {shown}" if len(shown) <= 6 else f"at {value:.0e}", style="dim")


def _cells(
    policy: PolicyReport, key: str, estimator: str, baseline: MetricReport | None, share: bool
) -> tuple[Text, Text, Text, Text]:
    metric = policy.metrics[key]
    verdict = metric.verdict.name.value
    style = "dim" if verdict == "refused" else ""
    difference = policy.versus.get("logged", {}).get(key, {}).get(estimator)
    against = None if baseline is None else baseline.estimates.get(estimator)
    return (
        Text(_short(policy.policy), style=style or "bold"),
        Text(f"{MARKS[verdict]} {verdict}", style=VERDICT_STYLES[verdict]),
        Text(spread(metric.estimates[estimator], share), style=style),
        Text("" if policy.policy == "logged" else lift(difference, against, share), style=style),
    )


def _support_table(order: list[PolicyReport]) -> Table:
    table = Table(
        title="[bold]support[/]  [dim]effective sample sizes, weights, what the log never plays[/]",
        title_justify="left",
        box=None,
        width=_WIDTH,
        padding=(0, 1),
        header_style="dim",
    )
    table.add_column("policy", no_wrap=True, width=_LONGEST_SPEC)
    for name in ("users", "rewarded", "decisions", "max w", "mean w (99 %)", "unsupp.", "fallback"):
        table.add_column(name, justify="right", no_wrap=True)
    for policy in order:
        seen = policy.diagnostics
        bounds = "–"
        if seen.mean_weight_low is not None and seen.mean_weight_high is not None:
            bounds = f"{seen.mean_weight_low:.4g}–{seen.mean_weight_high:.4g}"
        table.add_row(
            Text(_short(policy.policy)),
            size(seen.user_ess),
            size(seen.reward_ess),
            size(seen.ess),
            f"{seen.max_weight:,.0f}" if seen.max_weight >= 1000 else f"{seen.max_weight:.4g}",
            bounds,
            f"{seen.unsupported_mass:.1%}",
            f"{policy.fallback_share:.1%}",
        )
    return table


def _short(spec: str) -> str:
    return spec if len(spec) <= _LONGEST_SPEC else f"{spec[:11]}…{spec[-(_LONGEST_SPEC - 12) :]}"
