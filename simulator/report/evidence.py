"""The sections of the page that say how far to believe the values: support, weights, calibration, steadiness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from simulator.metric import Metric
from simulator.report.figures import amount, size
from simulator.report.heat_table import FEW, heat_table
from simulator.report.histogram import histogram
from simulator.report.leaderboard import BASELINE
from simulator.report.markup import breakable
from simulator.report.pictures import LogPictures
from simulator.report.reliability import reliability_diagram
from simulator.report.replay_report import PolicyReport
from simulator.report.time_chart import time_axis, time_chart

__all__ = ["calibration", "diagnostics", "over_time", "support", "weights"]

_COLUMNS = ("users", "rewarded", "decisions", "max weight", "mean weight", "unsupported", "fallback")
_MOST_ARMS = 5
_COUNTED = ("clicked", "converted", "sent", "unsubscribed", "converted_clicked")


def diagnostics(order: Sequence[PolicyReport]) -> Iterator[str]:
    """Tabulate effective sample sizes, weights and what the log never plays."""
    yield "<section><h2>What the log can say</h2>"
    yield (
        '<p class="soft">Effective users, rewarded users and decisions; weights; share of the policy on arms that '
        "the log never plays, and where a stand-in answered.</p>"
    )
    yield '<table class="cards"><thead><tr><th scope="col">policy</th>'
    yield "".join(f'<th scope="col">{column}</th>' for column in _COLUMNS) + "</tr></thead><tbody>"
    for policy in order:
        cells = zip(_COLUMNS, _measured(policy), strict=True)
        yield f'<tr><th scope="row">{breakable(policy.policy)}</th>'
        yield "".join(f'<td data-label="{column}">{cell}</td>' for column, cell in cells) + "</tr>"
    yield "</tbody></table>"
    for policy in order:
        arms = policy.diagnostics.unsupported_arms
        if arms:
            more = f" and {len(arms) - _MOST_ARMS:,} more" if len(arms) > _MOST_ARMS else ""
            named = ", ".join(arms[:_MOST_ARMS]) + more
            yield f'<p class="soft">Never played, but {breakable(policy.policy)} plays them: {breakable(named)}</p>'
    yield "</section>"


def _measured(policy: PolicyReport) -> list[str]:
    seen = policy.diagnostics
    mean = "–" if seen.mean_weight is None else f"{seen.mean_weight:.3g}"
    if seen.mean_weight_low is not None and seen.mean_weight_high is not None:
        mean += f" [{seen.mean_weight_low:.3g}, {seen.mean_weight_high:.3g}]"
    return [
        size(seen.user_ess),
        size(seen.reward_ess),
        size(seen.ess),
        f"{seen.max_weight:,.0f}" if seen.max_weight >= 1000 else f"{seen.max_weight:.4g}",
        mean,
        f"{seen.unsupported_mass:.1%}",
        f"{policy.fallback_share:.1%}",
    ]


def weights(order: Sequence[PolicyReport]) -> Iterator[str]:
    """Draw how the weights of each policy are spread; those of the logged one are all 1."""
    drawn = [
        (policy.policy, histogram(policy.pictures.weights, policy.policy))
        for policy in order
        if policy.pictures is not None and policy.pictures.weights and policy.policy != BASELINE
    ]
    if drawn:
        yield '<section class="whole"><h2>Weights</h2>'
        yield (
            '<p class="soft">How often a decision of the log counts under a policy. Much at 0 and a few large ones: '
            "the value rests on few decisions.</p>"
        )
        yield from _figures(drawn)
        yield "</section>"


def support(order: Sequence[PolicyReport]) -> Iterator[str]:
    """Tabulate channel × slot: what the policy plays, what the log played, and what speaks for it."""
    drawn = [
        heat_table(policy.pictures.support, policy.policy)
        for policy in order
        if policy.pictures is not None and policy.pictures.support and policy.policy != BASELINE
    ]
    if drawn:
        yield '<section class="whole"><h2>Support by channel and slot</h2>'
        yield (
            '<p class="soft">The policy’s share in bold, the deeper the more; the log’s share; effective decisions. '
            f"▲ marks cells where the policy plays and under {FEW:.0f} effective decisions speak for it.</p>"
        )
        yield '<div class="tables">' + "".join(f'<div class="scroll">{table}</div>' for table in drawn) + "</div>"
        yield "</section>"


def calibration(pictures: LogPictures) -> Iterator[str]:
    """Draw how well the reward model is calibrated."""
    if pictures.calibration:
        quantity, share = pictures.quantity, pictures.quantity in _COUNTED
        drawn = reliability_diagram(pictures.calibration, quantity, share=share)
        rows = "".join(
            f"<tr><td>{amount(one.predicted, share)}</td><td>{amount(one.observed, share)}</td>"
            f"<td>{one.decisions:,}</td></tr>"
            for one in pictures.calibration
        )
        yield '<section class="whole"><h2>Calibration of the reward model</h2>'
        yield (
            '<p class="soft">Cross-fitted predictions against what happened, a dot a bin, its area by decisions. Dots '
            "on the dashed line are right on average; dr mends the rest by weights, dm does not.</p>"
        )
        yield f'<div class="beside"><figure>{drawn}</figure><table class="numbers"><thead><tr>'
        yield "".join(f'<th scope="col">{name}</th>' for name in ("predicted", "observed", "decisions"))
        yield f"</tr></thead><tbody>{rows}</tbody></table></div></section>"


def over_time(order: Sequence[PolicyReport], metric: Metric) -> Iterator[str]:
    """Draw each policy's value period by period beside the logged one's, all on one axis."""
    with_points = [
        (policy, policy.pictures.over_time)
        for policy in order
        if policy.pictures is not None and policy.pictures.over_time
    ]
    if not with_points:
        return
    axis = time_axis(
        [(points, policy.metrics[metric.key].verdict.name.value != "refused") for policy, points in with_points]
    )
    logged = next((points for policy, points in with_points if policy.policy == BASELINE), ())
    drawn = []
    for policy, points in with_points:
        beside = () if policy.policy == BASELINE else logged
        words = f"{metric.label} of {policy.policy} over {len(points)} periods"
        drawn.append((policy.policy, time_chart(points, beside, axis, words, share=metric.share)))
    yield '<section class="whole"><h2>Value over time</h2>'
    yield f'<p class="soft">{escape(metric.label)}; the dashed line is logged. A drift speaks against one number.</p>'
    yield from _figures(drawn)
    yield "</section>"


def _figures(drawn: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield '<div class="figures">'
    for name, svg in drawn:
        yield f"<figure><figcaption>{breakable(name)}</figcaption>{svg}</figure>"
    yield "</div>"
