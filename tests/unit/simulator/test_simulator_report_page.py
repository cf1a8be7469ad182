"""The HTML report as text: what stands in it, and where marks stand on their axes."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from simulator import Estimate, ReplayReport
from simulator.report.axis import Axis
from simulator.report.figures import tick_text
from simulator.report.forest import forest_axis, forest_row
from simulator.report.heat_table import heat_table
from simulator.report.histogram import histogram
from simulator.report.html import html_report
from simulator.report.pictures import BarOfWeights, CellSupport, PointInTime, Reliability
from simulator.report.reliability import reliability_diagram
from simulator.report.time_chart import time_axis, time_chart


def at(value: float | None, low: float | None = None, high: float | None = None) -> Estimate:
    return Estimate(value, low, high, 0.95, "bootstrap")


def tree(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def test_page_stands_alone_without_pictures_too(sample_report: ReplayReport) -> None:
    bare = replace(
        sample_report,
        policies=tuple(replace(policy, pictures=None) for policy in sample_report.policies),
        pictures=None,
        by=None,
        groups=None,
    )
    for report in (sample_report, bare):
        page = html_report(report, "log.jsonl")
        assert "<script" not in page
        assert "http" not in page
        assert "NaN" not in page
        assert "None" not in page
        assert "One-step counterfactual" in page
    assert "<h2>Weights" not in page
    assert "<h2>Calibration" not in page
    assert len(html_report(sample_report, "log.jsonl")) < 200_000


def test_page_escapes_names_of_all_kinds(sample_report: ReplayReport) -> None:
    nasty = "<b onmouseover=alert(1)>\"'&"
    policy = replace(sample_report.policies[1], policy=nasty, notes=(nasty,))
    report = replace(
        sample_report, policies=(sample_report.policies[0], policy), by=nasty, groups={nasty: sample_report}
    )
    page = html_report(report, nasty)
    assert "<b onmouseover" not in page
    # Attributes are closed by quotes of their own.
    assert not re.search(r'="[^"]*<b ', page)


def test_ranking_draws_the_line(sample_report: ReplayReport) -> None:
    page = html_report(sample_report, "log.jsonl")
    lines = [page.index(f'class="standing {name}"') for name in ("better", "even", "worse", "unjudged")]
    assert lines == sorted(lines)
    better = page[lines[0] : lines[1]]
    assert "snapshot:" in better
    assert "best_constant" not in better
    assert "no better than logged" in page[lines[1] : lines[2]]


def test_wide_refused_intervals_do_not_squash_the_others() -> None:
    axis = forest_axis([(at(1.0, 0.9, 1.1), "trusted"), (at(50.0, -400.0, 500.0), "refused")])
    assert axis.holds(0.9)
    assert axis.holds(1.1)
    assert axis.high - axis.low < 0.5
    drawn = tree(forest_row(at(50.0, -400.0, 500.0), axis, "refused", "far off", unit="", line=1.0))
    # Cut off on both sides: an arrow each, and no mark where no value is.
    assert len(drawn.findall(".//polygon")) == 2
    assert drawn.findall(".//circle") == []


def test_forest_of_refused_alone_holds_them() -> None:
    axis = forest_axis([(at(1.0, 0.5, 2.0), "refused")], anchors=(0.0,))
    assert axis.holds(0.0)
    assert axis.holds(2.0)


def test_forest_places_value_interval_and_line() -> None:
    drawn = tree(forest_row(at(0.5, 0.25, 1.0), Axis(0.0, 1.0), "weak", "words", unit="", line=0.75))
    places = {line.get("x1") for line in drawn.findall(".//line")}
    assert {"25.00%", "75.00%"} <= places
    assert drawn.get("aria-label") == "words"
    marks = [svg.get("x") for svg in drawn.findall("svg") if svg.find("circle") is not None]
    assert marks == ["50.00%"]


def test_undefined_value_draws_nothing() -> None:
    assert forest_row(at(None), Axis(0.0, 1.0), "refused", "words", unit="", line=None) == ""


@pytest.mark.parametrize("axis", [Axis(0.0, 1.0), Axis(-3e-7, 2e-7), Axis(17.0, 23456.0), Axis(-1e9, -2.0)])
def test_ticks_are_round_few_and_inside(axis: Axis) -> None:
    ticks = axis.ticks()
    assert 1 <= len(ticks) <= 5
    assert ticks == sorted(ticks)
    assert all(axis.low < tick < axis.high for tick in ticks)
    assert all(len(tick_text(tick, "").replace("-", "")) <= 6 for tick in ticks)


def test_axis_of_one_value_has_air() -> None:
    for value in (0.0, 0.3, -12.0):
        axis = Axis.around([value])
        assert axis.low < value < axis.high


def test_histogram_bars_have_the_height_of_their_share() -> None:
    bars = [BarOfWeights(0.0, 1.0, 0.6), BarOfWeights(1.0, 10.0, 0.3), BarOfWeights(10.0, None, 0.1)]
    drawn = tree(histogram(bars, "uniform"))
    heights = [float(bar.get("height", "nan")) for bar in drawn.findall("rect")]
    assert heights == pytest.approx([100.0, 50.0, 100 / 6], abs=0.06)
    assert drawn.get("aria-label") == (
        "Weights of uniform: 0 to 1: 60 % of decisions; 1 to 10: 30 % of decisions; 10 and more: 10 % of decisions"
    )
    assert histogram([], "uniform") == ""


def test_reliable_predictions_lie_on_the_line() -> None:
    drawn = tree(reliability_diagram([Reliability(0.1, 0.1, 900), Reliability(0.3, 0.3, 100)], "clicked", share=True))
    small, large = sorted(drawn.findall("circle"), key=lambda circle: float(circle.get("r", "nan")))
    # Areas go by decisions: a ninth of the area is a third of the radius.
    assert float(large.get("r", "nan")) / float(small.get("r", "nan")) == pytest.approx(3.0, rel=0.02)
    line = drawn.findall("line")[-1]
    left, floor, right, top = (float(line.get(name, "nan")) for name in ("x1", "y1", "x2", "y2"))
    for circle in (small, large):
        along = (float(circle.get("cx", "nan")) - left) / (right - left)
        up = (float(circle.get("cy", "nan")) - floor) / (top - floor)
        assert along == pytest.approx(up, abs=0.002)


def test_period_without_a_value_leaves_a_gap() -> None:
    points = [
        PointInTime(f"2024-09-0{day}T00:00:00Z", None if day == 3 else 0.1 * day, 0.0, 1.0, 10) for day in range(1, 6)
    ]
    axis = time_axis([(points, True)])
    drawn = tree(time_chart(points, (), axis, "words", share=False))
    assert len(drawn.findall("polyline")) == 2
    assert len(drawn.findall("polygon")) == 2
    assert len(drawn.findall("circle")) == 4
    assert [text.text for text in drawn.findall("text")][-2:] == ["2024-09-01", "2024-09-05"]


def test_periods_of_two_policies_share_places() -> None:
    logged = [PointInTime(f"2024-09-0{day}T00:00:00Z", 0.5, 0.4, 0.6, 10) for day in range(1, 5)]
    drawn = tree(time_chart(logged[2:], logged, time_axis([(logged, True)]), "words", share=False))
    dashed, solid = (line.get("points", "").split() for line in drawn.findall("polyline"))
    assert solid == dashed[2:]


def test_heat_table_marks_cells_that_nothing_speaks_for() -> None:
    cells = [
        CellSupport("email", "noon", 0.5, 0.6, 800.0),
        CellSupport("email", "night", 0.4, 0.25, 40.0),
        CellSupport("sms", "noon", 0.0, 0.1, 0.0),
        CellSupport("sms", "night", 0.1, 0.0, 0.0),
        CellSupport("hold", "", 0.0, 0.05, 0.0),
    ]
    table = heat_table(cells, "<policy>")
    assert "&lt;policy&gt;" in table
    assert table.count("▲") == 3
    assert table.count("▲ never logged") == 2
    assert "▲ 40 eff." in table
    assert 'colspan="2"' in table


def test_many_cells_become_a_list_that_sums_up() -> None:
    cells = [CellSupport(f"channel{place}", f"slot{place % 9}", 0.01, 0.01, 500.0) for place in range(100)]
    table = heat_table(cells, "uniform")
    assert table.count("<tr>") == 1 + 20 + 1
    assert "80 more</th><td>80 %</td>" in table
