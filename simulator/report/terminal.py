"""Prints a replay report so that it can be read in a terminal of 100 columns."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from simulator.metric import Metric, metric_table
from simulator.report.figures import headline, lift, size, spread
from simulator.report.replay_report import MetricReport, PolicyReport, ReplayReport

__all__ = ["print_report", "ranked", "reasons_of"]

_WIDTH = 100
_LONGEST_SPEC = 24
_STYLES = {"trusted": "green", "weak": "yellow", "refused": "red"}
_MARKS = {"trusted": "● trusted", "weak": "◐ weak", "refused": "○ refused"}


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


def ranked(report: ReplayReport) -> list[PolicyReport]:
    """Order policies by the ranking metric, best first; undefined last, refused ones after those with a verdict."""

    def place(policy: PolicyReport) -> tuple[bool, float]:
        metric = policy.metrics[report.ranked_by]
        value = metric.estimates[headline(metric)].value
        refused = metric.verdict.name.value == "refused"
        return refused, float("inf") if value is None else -value

    return sorted(report.policies, key=place)


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


def _print_log(report: ReplayReport, title: str, console: Console) -> None:
    log = report.log
    modes = ", ".join(f"{count:,} {mode}" for mode, count in log.modes.items())
    console.print()
    console.print(Text.assemble(("Replay of ", "bold"), (title, "bold cyan")))
    parts = [f"{log.decisions:,} decisions ({modes})", f"{log.users:,} users", f"{log.arms:,} arms"]
    if log.single_arm:
        parts.append(f"{log.single_arm:,} with a single arm")
    console.print(Text(" · ".join(parts)))
    if log.first is not None:
        console.print(Text(f"{log.first} to {log.last}", style="dim"))
    console.print()


def _print_body(report: ReplayReport, console: Console) -> None:
    order = ranked(report)
    for key in order[0].metrics:
        console.print(_metric_table(key, order, key == report.ranked_by))
    console.print(_support_table(order))
    for policy, verdict, keys, reasons in reasons_of(report):
        text = Text.assemble((f"{verdict} ", _STYLES[verdict]), (_short(policy), "bold"), f" on {keys}: {reasons}")
        console.print(Padding(text, (0, 0, 0, 1)))
    for note in report.notes:
        console.print(Padding(Text(f"· {note}"), (0, 0, 0, 1)))
    console.print()


def _metric_table(key: str, order: list[PolicyReport], all_estimators: bool) -> Table:
    """Show a metric: the headline estimator for each policy, all of them for the metric that ranks."""
    shown = metric_named(key)
    first = order[0].metrics[key]
    level = next(iter(first.estimates.values())).level
    note = "ranks the policies" if all_estimators else f"{headline(first)}"
    table = Table(
        title=f"[bold]{escape(key)}[/]  [dim]{escape(shown.label)} · {level:.0%} intervals · {note}[/]",
        title_justify="left",
        box=None,
        width=_WIDTH,
        padding=(0, 1),
        header_style="dim",
    )
    table.add_column("policy", no_wrap=True, width=_LONGEST_SPEC)
    table.add_column("verdict", no_wrap=True, width=9)
    table.add_column("value", no_wrap=True, width=25)
    table.add_column("lift on logged", no_wrap=True, width=34)
    baseline = next((policy.metrics[key] for policy in order if policy.policy == "logged"), None)
    for policy in order:
        metric = policy.metrics[key]
        name = headline(metric)
        table.add_row(*_cells(policy, key, name, baseline, shown.share))
        if all_estimators:
            for other in metric.estimates:
                if other != name:
                    _, _, value, up = _cells(policy, key, other, baseline, shown.share)
                    table.add_row(
                        Text(f"  {other}", style="dim"), "", Text(str(value), style="dim"), Text(str(up), style="dim")
                    )
    return table


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
        Text(_MARKS[verdict], style=_STYLES[verdict]),
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
