"""Reports as frames and in notebooks."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from simulator import Log, LogBuilder, ReplayReport
from simulator.report.leaderboard import leaderboard
from simulator.report.notebook import leaderboard_card
from simulator.report.terminal import print_report

ALL = (
    "dm", "dr", "ips", "snips", "sndr", "switch_dr", "dros", "mrdr", "mips", "sg_ips", "sg_dr", "clipped_ips", "bipw",
    "rejection",
)  # fmt: skip


def test_replay_frame_is_tidy(sample_report: ReplayReport) -> None:
    frame = sample_report.to_polars()
    whole, segments = frame.filter(pl.col("segment").is_null()), frame.filter(pl.col("segment").is_not_null())
    assert whole.height == 5 * 3 * 3
    assert segments.height == 2 * 4 * 3 * 3
    assert whole.select("policy", "metric", "estimator").is_duplicated().sum() == 0
    assert whole.filter("headline").select("estimator").to_series().unique().to_list() == ["dr"]
    row = whole.row(
        by_predicate=pl.col("policy").str.starts_with("snapshot")
        & (pl.col("metric") == "profit")
        & (pl.col("estimator") == "dr"),
        named=True,
    )
    one = sample_report.policies[3]
    value, up = one.metrics["profit"].estimates["dr"], one.versus["logged"]["profit"]["dr"]
    assert (row["value"], row["low"], row["high"]) == (value.value, value.low, value.high)
    assert (row["lift"], row["lift_low"], row["lift_high"]) == (up.value, up.low, up.high)
    assert row["lift_share"] == pytest.approx(0.2303 / 0.7113)
    assert row["verdict"] == "trusted"
    assert whole.filter(pl.col("policy") == "logged")["lift"].null_count() == 9


def test_frame_of_another_baseline_has_no_lift_where_there_is_none(sample_report: ReplayReport) -> None:
    assert sample_report.to_polars("uniform")["lift"].null_count() == sample_report.to_polars().height


def test_diagnostics_frame_has_a_row_a_policy_and_segment(sample_report: ReplayReport) -> None:
    frame = sample_report.diagnostics_frame()
    assert frame.height == 5 + 2 * 4
    last = frame.row(4, named=True)
    assert last["verdict"] == "refused"
    assert last["reasons"][0] == "user_ess 25.9 is under 100"
    assert len(last["unsupported_arms"]) == 120
    assert last["user_ess"] == sample_report.policies[4].diagnostics.user_ess


def test_leaderboard_frame_keeps_the_order(sample_report: ReplayReport) -> None:
    frame = sample_report.leaderboard_frame()
    assert frame["rank"].to_list() == [1, 2, 3, 4, 5]
    assert frame["standing"].to_list()[0] == "better than logged"
    assert frame["policy"].to_list() == [row.policy for row in leaderboard(sample_report)]


def test_pandas_frame_is_the_same(sample_report: ReplayReport) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed (extra notebook)")
    frame = sample_report.to_pandas()
    assert list(frame.columns) == sample_report.to_polars().columns
    assert frame["value"].tolist() == sample_report.to_polars()["value"].to_list()


def test_missing_pandas_names_the_extra(sample_report: ReplayReport, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec

    def without_pandas(name: str, *rest: Any) -> Any:
        return None if name == "pandas" else found(name, *rest)

    monkeypatch.setattr("engine.extras.find_spec", without_pandas)
    with pytest.raises(ModuleNotFoundError, match=r"expected pandas; install .*\[notebook\]"):
        sample_report.to_pandas()


@pytest.fixture
def formatted() -> Callable[[object], dict[str, str]]:
    """Format as a notebook does."""
    formatters = pytest.importorskip("IPython.core.formatters", reason="ipython is not installed (extra dev)")
    formatter = formatters.DisplayFormatter()

    def formatted_by(value: object) -> dict[str, str]:
        data, _ = formatter.format(value)
        return dict(data)

    return formatted_by


def test_notebook_shows_the_answer(sample_report: ReplayReport, formatted: Callable[[object], dict[str, str]]) -> None:
    shown = formatted(sample_report)
    assert "is better than logged" in shown["text/html"]
    assert shown["text/html"].count("<svg style=") == 4
    assert "<style" not in shown["text/html"]
    assert len(shown["text/html"]) < 20_000
    assert shown["text/plain"] == str(sample_report)
    assert "● trusted" in shown["text/plain"]


def test_notebook_shows_what_a_log_holds(
    logs: Callable[..., Log], formatted: Callable[[object], dict[str, str]]
) -> None:
    shown = formatted(logs())
    for words in ("5 decisions in 3 rows", "2 users", "2 arms", "4 live, 1 control", "3 click", "no times"):
        assert words in shown["text/html"]
    assert "&lt;shop&gt;.jsonl" in shown["text/html"]
    assert shown["text/plain"].startswith("<Log <shop>.jsonl: 5 decisions in 3 rows · 2 users")


@pytest.fixture
def logs() -> Callable[..., Log]:
    def made() -> Log:
        builder = LogBuilder("<shop>.jsonl")
        click = [{"type": "click"}]
        rows = [("live", 3, "u1", click), ("live", 1, "u2", []), ("control", 1, "u1", [])]
        for number, (mode, count, user, outcomes) in enumerate(rows):
            builder.append(
                {
                    "decision_id": f"d{number}", "arm": "a", "propensity": 0.5, "eligible": ["a", "b"],
                    "outcomes": outcomes, "mode": mode, "count": count, "user": user,
                },
                number + 1,
            )  # fmt: skip
        return builder.build()

    return made


def test_long_leaderboards_are_cut_and_say_so(sample_report: ReplayReport) -> None:
    rows = leaderboard(sample_report)
    card = leaderboard_card(rows * 20)
    assert "and 70 more" in card


def test_terminal_fits_100_columns_with_every_estimator(sample_report: ReplayReport) -> None:
    def crowded(policy: Any) -> Any:
        metrics = {
            key: replace(metric, estimates=every(metric.estimates["dr"])) for key, metric in policy.metrics.items()
        }
        versus = {
            name: {key: dict.fromkeys(ALL, lifts["dr"]) for key, lifts in against.items()}
            for name, against in policy.versus.items()
        }
        return replace(policy, metrics=metrics, versus=versus)

    def every(one: Any) -> dict[str, Any]:
        odd = {
            "clipped_ips": replace(one, parameter=12_345.678),
            "switch_dr": replace(one, parameter=1.25e-7),
            "rejection": replace(one, note="accepted 4.2 % of the decisions"),
            "ips": replace(one, interval="exact"),
            "bipw": replace(one, low=None, high=None, reason="too few users to say how far off it is"),
        }
        return {key: odd.get(key, one) for key in ALL}

    report = replace(sample_report, policies=tuple(map(crowded, sample_report.policies)), by=None, groups=None)
    console = Console(record=True, file=StringIO(), width=200)
    print_report(report, "log.jsonl", console)
    text = console.export_text()
    lines = [line.rstrip() for line in text.splitlines()]
    assert max(map(len, lines)) <= 100
    assert sum(line.startswith("   clipped_ips             at 12,346") for line in lines) == 5
    assert sum("at 1e-07 " in line for line in lines) == 5
    assert " · rejection: accepted 4.2 % of the decisions" in lines
    assert " · ips: exact interval" in lines
    assert " · bipw: too few users to say how far off it is" in lines
    assert any("95% bootstrap intervals · ranks the policies" in line for line in lines)
    # Each interval is there whole: as many closing brackets as opening ones on every line.
    assert all(line.count("[") == line.count("]") for line in lines)
