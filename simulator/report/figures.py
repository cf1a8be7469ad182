"""Writes numbers for people."""

from __future__ import annotations

from simulator.report.replay_report import Estimate, MetricReport

__all__ = ["amount", "headline", "lift", "size", "spread", "tick_text"]

#: Doubly robust ones first, then those that only weigh; a model alone comes last, as nothing checks it.
_PREFERRED = (
    "dr", "sndr", "mrdr", "dros", "switch_dr", "sg_dr",
    "snips", "sg_ips", "clipped_ips", "ips", "bipw", "rejection", "mips", "dm",
)  # fmt: skip


def headline(report: MetricReport) -> str:
    """Choose the estimator that stands for a metric: dr, else what comes next in `_PREFERRED`."""
    for key in _PREFERRED:
        if key in report.estimates:
            return key
    return next(iter(report.estimates))


def amount(value: float | None, share: bool) -> str:
    """Write a value, shares in per cent; a dash where undefined.

    >>> amount(0.18253, True), amount(1.42086, False), amount(None, True)
    ('18.25 %', '1.421', '–')
    """
    if value is None:
        return "–"
    if share:
        if value == 0:
            return "0 %"
        return f"{100 * value:.{2 if abs(value) >= 0.001 else 4}f} %"
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def spread(estimate: Estimate, share: bool) -> str:
    """Write a value with its interval."""
    if estimate.value is None:
        return "–"
    if estimate.low is None or estimate.high is None:
        return f"{amount(estimate.value, share)} (no interval)"
    low, high = amount(estimate.low, share).removesuffix(" %"), amount(estimate.high, share).removesuffix(" %")
    return f"{amount(estimate.value, share)} [{low}, {high}]"


def lift(difference: Estimate | None, baseline: Estimate | None, share: bool) -> str:
    """Write a paired difference with its interval, and as a percentage of the baseline.

    >>> at = Estimate(0.02, 0.01, 0.03, 0.95, "bootstrap")
    >>> lift(at, Estimate(0.1, None, None, 0.95, "bootstrap"), True)
    '+2.00 pp [+1.00, +3.00] (+20%)'
    """
    if difference is None or difference.value is None:
        return "–"
    unit, scale = (" pp", 100.0) if share else ("", 1.0)
    digits = 2 if abs(difference.value) >= 0.001 else 3

    def form(x: float) -> str:
        if share:
            return f"{scale * x:+.{digits}f}"
        return f"{x:+,.0f}" if abs(x) >= 10_000 else f"{x:+.3g}"

    text = form(difference.value) + unit
    if difference.low is not None and difference.high is not None:
        text += f" [{form(difference.low)}, {form(difference.high)}]"
    # Below half a per cent the percentage would read +0 %.
    if baseline is not None and baseline.value and abs(difference.value) >= 0.005 * abs(baseline.value):
        text += f" ({difference.value / abs(baseline.value):+.0%})"
    return text


def size(value: float) -> str:
    """Write a number of things.

    >>> size(21307.2), size(2.14)
    ('21,307', '2.1')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def tick_text(value: float, unit: str) -> str:
    """Write a round number at an axis, short; `unit` is "%" or "pp" for shares, else empty.

    >>> tick_text(0.1, "%"), tick_text(-0.025, "pp"), tick_text(12500.0, ""), tick_text(2.5e6, "")
    ('10 %', '-2.5 pp', '12,500', '2.5M')
    """
    if unit:
        return f"{100 * value:.4g} {unit}"
    if abs(value) >= 1e6:
        return f"{value / 1e6:.4g}M"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
