"""What stands where in a ranking, and which estimator speaks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator import Estimate, ReplayReport
from simulator.estimators import ESTIMATORS
from simulator.report.figures import headline, lift
from simulator.report.leaderboard import Standing, leaderboard, standing
from simulator.report.ranking import ranked
from simulator.report.replay_report import MetricReport
from simulator.report.summary import answer
from simulator.verdict import Verdict, VerdictName


def lifted(low: float | None, high: float | None) -> Estimate:
    return Estimate(0.5, low, high, 0.95, "bootstrap")


@pytest.mark.parametrize(
    ("verdict", "low", "high", "less", "expected"),
    [
        ("trusted", 0.1, 0.9, False, Standing.BETTER),
        ("weak", 0.1, 0.9, False, Standing.BETTER),
        ("refused", 0.1, 0.9, False, Standing.UNJUDGED),
        ("trusted", -0.1, 0.9, False, Standing.EVEN),
        ("trusted", 0.0, 0.9, False, Standing.EVEN),
        ("trusted", 3e-17, 4e-17, False, Standing.EVEN),
        ("trusted", None, None, False, Standing.EVEN),
        ("trusted", -0.9, -0.1, False, Standing.WORSE),
        ("trusted", -0.9, -0.1, True, Standing.BETTER),
        ("trusted", 0.1, 0.9, True, Standing.WORSE),
    ],
)
def test_standing_reads_the_interval(
    verdict: str, low: float | None, high: float | None, less: bool, expected: Standing
) -> None:
    assert standing(verdict, lifted(low, high), less=less) is expected


def test_baseline_is_no_better_than_itself() -> None:
    assert standing("trusted", None) is Standing.EVEN


def test_leaderboard_parts_policies_at_the_line(sample_report: ReplayReport) -> None:
    rows = leaderboard(sample_report)
    assert [(row.policy.split(":")[0], row.standing) for row in rows] == [
        ("snapshot", Standing.BETTER),
        ("best_constant", Standing.EVEN),
        ("logged", Standing.EVEN),
        ("uniform", Standing.WORSE),
        ("python", Standing.UNJUDGED),
    ]
    assert {row.estimator for row in rows} == {"dr"}
    assert rows[0].baseline == sample_report.policy("logged").metrics["profit"].estimates["dr"]


def test_less_cost_is_ranked_first(sample_report: ReplayReport) -> None:
    policies = tuple(
        replace(policy, metrics={"cost": policy.metrics["profit"]}, versus={}) for policy in sample_report.policies[:4]
    )
    report = replace(sample_report, policies=policies, ranked_by="cost", by=None, groups=None)
    assert [policy.policy.split(":")[0] for policy in ranked(report)] == [
        "uniform", "logged", "best_constant", "snapshot",
    ]  # fmt: skip


def test_answer_says_what_a_reader_came_for(sample_report: ReplayReport) -> None:
    assert answer(sample_report) == (
        "snapshot:models/autumn/00000028 is better than logged: +0.23 [+0.136, +0.324] (+32%) in profit / decision."
    )
    uniform = replace(sample_report, policies=sample_report.policies[:2])
    assert answer(uniform) == "No policy is shown to be better than logged in profit / decision."
    blind = replace(sample_report, policies=(sample_report.policies[0], sample_report.policies[-1]))
    assert answer(blind).startswith("There is no verdict on any policy but the logged one")
    alone = replace(sample_report, policies=sample_report.policies[:1])
    assert answer(alone) == "Nothing but the logged policy was replayed."


def test_headline_prefers_doubly_robust_and_trusts_a_bare_model_last() -> None:
    def among(*keys: str) -> str:
        return headline(MetricReport(Verdict(VerdictName.TRUSTED, ()), {key: lifted(0, 1) for key in keys}))

    keys = (
        "dm", "dr", "ips", "snips", "sndr", "switch_dr", "dros", "mrdr", "mips", "sg_ips", "sg_dr", "clipped_ips",
        "bipw", "rejection",
    )  # fmt: skip
    assert among(*keys) == "dr"
    assert among(*[key for key in keys if key != "dr"]) == "sndr"
    assert among("dm", "mips", "ips", "snips") == "snips"
    assert among("dm", "mips") == "mips"
    assert among("dm") == "dm"
    assert among("unheard_of") == "unheard_of"
    assert set(ESTIMATORS) <= set(keys)


def test_large_lifts_are_written_out() -> None:
    at = Estimate(12_345.6, 11_000.0, 13_000.4, 0.95, "bootstrap")
    assert lift(at, replace(at, value=20_000.0), False) == "+12,346 [+11,000, +13,000] (+62%)"


def test_optional_fields_are_in_the_json_only_when_there() -> None:
    bare = Estimate(1.0, 0.5, 1.5, 0.95, "bootstrap")
    assert list(bare.to_json()) == ["value", "low", "high", "level", "interval"]
    full = replace(bare, parameter=0.0, note="accepted 4 %")
    assert full.to_json() == {**bare.to_json(), "parameter": 0.0, "note": "accepted 4 %"}


def test_pictures_stay_out_of_the_json(sample_report: ReplayReport) -> None:
    written = sample_report.to_json()
    assert "pictures" not in written
    assert all("pictures" not in policy for policy in written["policies"])
    assert "pictures" not in str(written).lower()
