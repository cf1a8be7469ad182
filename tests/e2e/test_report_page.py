"""Looks at the HTML report in headless Chromium: on a phone, on a desk, on paper."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator import ReplayReport
from simulator.report.html import html_report
from simulator.report.leaderboard import Standing, in_order, leaderboard
from simulator.report.pictures import CellSupport, PolicyPictures
from simulator.report.sweep_html import sweep_html
from simulator.sweep.sweep_report import RungReport, SweepReport, Winner

PHONE, DESK, PAPER = 390, 1280, 688
Open, Faults = Callable[..., None], Callable[[Any], list[str]]
DRAWING = '<svg viewBox="0 0 320 200" width="320" height="200" role="img" aria-label="drawn"><path d="M0 0H9"/></svg>'
NASTY = "file:</p><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">&amp;'"


@pytest.fixture
def page(sample_report: ReplayReport, tmp_path: Path) -> Path:
    return written(sample_report, tmp_path)


def written(report: ReplayReport, folder: Path, title: str = "shop/decisions.jsonl") -> Path:
    path = folder / "report.html"
    path.write_text(html_report(report, title, {"Profit against sends": DRAWING}), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("unfolded", [False, True])
def test_page_fits_the_screen(
    browser: Any, page: Path, width: int, unfolded: bool, opened: Open, faults: Faults
) -> None:
    opened(browser, page, width)
    if unfolded:
        browser.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert faults(browser) == []


def test_page_has_every_picture(browser: Any, page: Path, opened: Open) -> None:
    opened(browser, page, DESK)
    headings = browser.execute_script(
        "return [...document.querySelectorAll('main > section > h2')].map(one => one.textContent)"
    )
    assert headings == [
        "Ranking", "profit", "ctr", "send_rate", "Profit against sends", "Why not trusted", "What the log can say",
        "Weights", "Support by channel and slot", "Calibration of the reward model", "Value over time", "By segment",
        "Notes",
    ]  # fmt: skip
    drawn = browser.execute_script(
        "return [...document.querySelectorAll('main > section')].map(one => one.querySelectorAll('svg[role=img]')"
        ".length)"
    )
    # Five values and four lifts a metric; four policies beside logged; two segments of three policies.
    assert drawn == [0, 9, 9, 9, 1, 0, 0, 4, 0, 1, 5, 6, 0]


def test_page_is_silent_and_fetches_nothing(browser: Any, page: Path, opened: Open) -> None:
    opened(browser, page, DESK)
    asked = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [one["params"]["request"]["url"] for one in asked if one["method"] == "Network.requestWillBeSent"]
    assert [url for url in urls if not url.startswith("data:")] == [page.as_uri()]
    assert browser.get_log("browser") == []


def test_page_prints(browser: Any, page: Path, opened: Open, faults: Faults) -> None:
    opened(browser, page, PAPER, "print")
    assert faults(browser) == []
    unfolded = (
        "return [...document.querySelectorAll('.values .estimators')].filter(one => one.checkVisibility()).length"
    )
    # Folded estimators are printed, as paper cannot be unfolded; whole segments are not.
    assert browser.execute_script(unfolded) == 15
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    paper = base64.b64decode(printed["data"])
    assert paper.startswith(b"%PDF")
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 12


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_crowded_page_fits(
    browser: Any, sample_report: ReplayReport, tmp_path: Path, width: int, opened: Open, faults: Faults
) -> None:
    """Forty policies with unbreakable names, on a log of six hundred cells and five hundred unsupported arms."""
    cells = tuple(
        CellSupport(f"channel{'x' * 40}{place}", f"slot{slot}", 1 / 600, 1 / 600, float(place))
        for place in range(20)
        for slot in range(30)
    )
    first = sample_report.policies[-1]
    assert first.pictures is not None
    arms = tuple("arm" + "y" * 60 + str(number) for number in range(500))
    crowd = tuple(
        replace(
            first,
            policy=f"python:{'n' * 110}{number}",
            diagnostics=replace(first.diagnostics, unsupported_arms=arms, max_weight=1.2e9, mean_weight_high=1.7e6),
            pictures=PolicyPictures(first.pictures.weights, cells, first.pictures.over_time),
        )
        for number in range(40)
    )
    report = replace(sample_report, policies=(sample_report.policies[0], *crowd), by=None, groups=None)
    page = written(report, tmp_path, title="z" * 200)
    assert page.stat().st_size < 2_000_000
    opened(browser, page, width)
    assert faults(browser) == []


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_sweep_page_fits(
    browser: Any, sample_report: ReplayReport, tmp_path: Path, width: int, opened: Open, faults: Faults
) -> None:
    """A sweep of many candidates, one of which is better, with all that is to be typed next."""
    rows = leaderboard(sample_report)
    best = replace(rows[0], standing=Standing.BETTER, policy="epsilon_greedy(0.1), interactions=" + "XV+" * 40)
    others = [replace(row, policy=f"{row.policy} {number}") for number in range(20) for row in rows[1:]]
    counts = {"train": 50_000, "select": 20_000, "confirm": 20_000, "left_out": 1_234}
    winner = Winner(best, ("user_ess 400.0 is under 1000",), 20_000, "autumn", "winner/snapshots/autumn/00000001",
                    f"[learning]\nextra = [{'x' * 300}]\n")  # fmt: skip
    sweep = SweepReport(
        log=sample_report.log,
        metric=best.metric,
        estimator=best.estimator,
        level=0.95,
        periods={"by": "time", "embargo_s": 86_400.0, "decisions": counts},
        candidates=80,
        rungs=(RungReport(80, 0.5, 10_000, 2.9), RungReport(40, 1.0, 20_000, 2.8)),
        rows=tuple(in_order([best, *others])),
        winner=winner,
        notes=("n" * 300,),
        folder="f" * 120,
    )
    page = tmp_path / "sweep.html"
    page.write_text(sweep_html(sweep, "shop/decisions.jsonl"), encoding="utf-8")
    opened(browser, page, width)
    assert faults(browser) == []
    headings = browser.execute_script("return [...document.querySelectorAll('h2')].map(one => one.textContent)")
    assert headings == ["Leaderboard", "Why not trusted", "Settings", "Next", "Notes"]


def test_names_stay_text(browser: Any, sample_report: ReplayReport, tmp_path: Path, opened: Open) -> None:
    logged, *others = sample_report.policies
    nasty = replace(others[0], policy=NASTY, notes=(NASTY,))
    assert nasty.pictures is not None
    cells = tuple(replace(cell, channel=NASTY, slot=NASTY) for cell in nasty.pictures.support[:1])
    nasty = replace(nasty, pictures=replace(nasty.pictures, support=cells))
    summary = replace(sample_report.log, warnings=(NASTY,), first=NASTY, last=NASTY)
    report = replace(
        sample_report, log=summary, policies=(logged, nasty), by=NASTY, groups={NASTY: replace(sample_report, by=None)}
    )
    opened(browser, written(report, tmp_path, title=NASTY), PHONE)
    assert browser.execute_script("return document.querySelectorAll('img, script, body p p').length") == 0
    assert browser.title == f"Replay of {NASTY}"
    name = browser.execute_script("return document.querySelectorAll('.ranking tbody th[scope=row]')[1].textContent")
    assert name.startswith(NASTY)
    assert browser.get_log("browser") == []
