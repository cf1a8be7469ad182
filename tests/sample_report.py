"""A replay report as a shop would get it, with everything that the page can draw; no log is read for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import sin

from simulator.diagnostics import Diagnostics
from simulator.report.pictures import (
    BarOfWeights,
    CellSupport,
    LogPictures,
    PointInTime,
    PolicyPictures,
    Reliability,
)
from simulator.report.replay_report import CAVEAT, Estimate, LogSummary, MetricReport, PolicyReport, ReplayReport
from simulator.verdict import Verdict, VerdictName

LONG = "python:shops.autumn.rules_that_marketing_wrote_down_in_a_hurry:ByPastPurchaseThenSeasonThenAnything"
TRUSTED = Verdict(VerdictName.TRUSTED, ())
SHAKY = Verdict(VerdictName.WEAK, ("reward_ess 135.9 is under 200",))
BLIND = Verdict(
    VerdictName.REFUSED,
    (
        "user_ess 25.9 is under 100",
        "reward_ess 9.6 is under 30",
        "unsupported_mass 4.20% is over 1.00%: arms that the log never plays",
    ),
)
CELLS = [(channel, slot) for channel in ("email", "push", "sms") for slot in ("morning", "noon", "evening")]

# Policy → per metric (value, half width), lift on logged (value, half width), verdicts, tilt of its pictures.
Figures = tuple[float, float]
POLICIES: Sequence[tuple[str, dict[str, tuple[Figures, Figures | None, Verdict]], float]] = (
    (
        "logged",
        {
            "profit": ((0.7113, 0.061), None, TRUSTED),
            "ctr": ((0.0656, 0.0037), None, TRUSTED),
            "send_rate": ((0.913, 0.004), None, TRUSTED),
        },
        0.0,
    ),
    (
        "uniform",
        {
            "profit": ((0.5341, 0.12), (-0.1772, 0.105), SHAKY),
            "ctr": ((0.0388, 0.0072), (-0.0267, 0.007), TRUSTED),
            "send_rate": ((0.966, 0.006), (0.053, 0.007), TRUSTED),
        },
        0.3,
    ),
    (
        "best_constant",
        {
            "profit": ((0.7601, 0.19), (0.0488, 0.17), SHAKY),
            "ctr": ((0.0741, 0.012), (0.0085, 0.0115), SHAKY),
            "send_rate": ((1.0, 0.0), (0.087, 0.004), TRUSTED),
        },
        0.6,
    ),
    (
        "snapshot:models/autumn/00000028",
        {
            "profit": ((0.9416, 0.11), (0.2303, 0.094), TRUSTED),
            "ctr": ((0.0951, 0.0065), (0.0295, 0.0061), TRUSTED),
            "send_rate": ((0.842, 0.009), (-0.071, 0.008), TRUSTED),
        },
        0.45,
    ),
    (
        LONG,
        {
            "profit": ((1.84, 3.1), (1.129, 3.0), BLIND),
            "ctr": ((0.1195, 0.11), (0.054, 0.108), BLIND),
            "send_rate": ((0.71, 0.02), (-0.203, 0.02), BLIND),
        },
        0.95,
    ),
)


def made_report() -> ReplayReport:
    """Five policies, three metrics, pictures, two segments."""
    policies = tuple(_policy(name, metrics, tilt) for name, metrics, tilt in POLICIES)
    log = LogSummary(
        decisions=19_613, users=7_308, arms=49, modes={"live": 9_125, "control": 9_955, "fallback": 533},
        single_arm=412, first="2024-09-02T06:00:11Z", last="2024-09-22T21:41:52Z",
        warnings=(CAVEAT, "left out of policy values: 387 holdout"),
    )  # fmt: skip
    bins = tuple(
        Reliability(0.01 + 0.022 * step, 0.012 + 0.021 * step + 0.006 * sin(3.0 * step), 4000 // (step + 1))
        for step in range(9)
    )
    whole = ReplayReport(log, policies, "profit", pictures=LogPictures("clicked", bins))
    segments = {
        name: replace(
            whole,
            log=replace(log, decisions=count),
            policies=tuple(replace(policy, pictures=None) for policy in policies[:4]),
            pictures=None,
        )
        for name, count in (("new", 6_120), ("regular", 13_493))
    }
    return replace(whole, by="segment", groups=segments)


def _policy(name: str, metrics: dict[str, tuple[Figures, Figures | None, Verdict]], tilt: float) -> PolicyReport:
    notes = ("chose copy-07/email/evening in both folds",) if name == "best_constant" else ()
    lifts = {key: _by_estimator(lift) for key, (_, lift, _) in metrics.items() if lift is not None}
    return PolicyReport(
        policy=name,
        verdict=metrics["profit"][2],
        fallback_share=0.031 if name == "best_constant" else 0.0,
        diagnostics=_diagnostics(tilt),
        metrics={key: MetricReport(verdict, _by_estimator(figures)) for key, (figures, _, verdict) in metrics.items()},
        versus={"logged": lifts} if lifts else {},
        notes=notes,
        pictures=_pictures(tilt, metrics["profit"][0]),
    )


def _by_estimator(figures: Figures) -> dict[str, Estimate]:
    value, half = figures
    return {
        "ips": Estimate(value * 1.02, value * 1.02 - 1.4 * half, value * 1.02 + 1.4 * half, 0.95, "bootstrap"),
        "snips": Estimate(value * 1.01, value * 1.01 - 1.1 * half, value * 1.01 + 1.1 * half, 0.95, "bootstrap"),
        "dr": Estimate(value, value - half, value + half, 0.95, "bootstrap"),
    }


def _diagnostics(tilt: float) -> Diagnostics:
    ess = 19_201 * (1.0 - tilt) ** 2 + 26
    lost = 0.042 if tilt > 0.9 else 0.0
    return Diagnostics(
        ess=ess, ess_share=ess / 19_201, user_ess=0.38 * ess, reward_ess=0.02 * ess, max_weight=1.0 + 900.0 * tilt,
        mean_weight=1.0 - 0.02 * tilt, mean_weight_low=1.0 - 0.2 * tilt, mean_weight_high=1.0 + 0.16 * tilt,
        match_rate=0.11, unsupported_mass=lost,
        unsupported_arms=tuple(f"copy-{number:03}/sms/noon" for number in range(120)) if lost else (),
    )  # fmt: skip


def _pictures(tilt: float, figures: Figures) -> PolicyPictures:
    edges = [0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0]
    shares = [0.05 + tilt * 0.6, 0.1, 0.15, 0.5 * (1 - tilt), 0.12, 0.05, 0.02, 0.01 * (1 + tilt)]
    bars = tuple(
        BarOfWeights(low, high, share / sum(shares))
        for low, high, share in zip(edges, [*edges[1:], None], shares, strict=True)
    )
    peaks = [0.3 + tilt * ((place * 7) % 9) ** 1.3 for place in range(len(CELLS))]
    cells = tuple(
        CellSupport(channel, slot, 0.1 if (channel, slot) != ("sms", "noon") else 0.0, 0.95 * peak / sum(peaks), ess)
        for (channel, slot), peak, ess in zip(
            CELLS, peaks, [max(0.0, 1900 * (1 - tilt) - 180 * place * tilt) for place in range(9)], strict=True
        )
    )
    value, half = figures
    periods = tuple(
        PointInTime(
            f"2024-09-{2 + 2 * step:02}T00:00:00Z",
            None if step == 4 and tilt > 0.5 else value * (0.8 + 0.03 * step + 0.05 * sin(2.0 * step)),
            None if step == 4 and tilt > 0.5 else value * (0.8 + 0.03 * step) - 2 * half,
            None if step == 4 and tilt > 0.5 else value * (0.8 + 0.03 * step) + 2 * half,
            1_961,
        )
        for step in range(10)
    )
    return PolicyPictures(bars, (*cells, CellSupport("hold", "", 0.1, 0.05, 1900.0)), periods)
