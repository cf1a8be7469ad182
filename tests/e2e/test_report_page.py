"""Looks at the HTML report in headless Chromium: on a phone, on a desk, on paper."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Iterator
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

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (extra dev)")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="chromium and chromedriver are not installed (make check installs them)"
)

PHONE, DESK, PAPER = 390, 1280, 688
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)
DRAWING = '<svg viewBox="0 0 320 200" width="320" height="200" role="img" aria-label="drawn"><path d="M0 0H9"/></svg>'
NASTY = "file:</p><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">&amp;'"

# What a person would see and a computer can measure. Forests reach over their edge by half a mark, no more.
FAULTS = """
const faults = [];
const shown = element => element.checkVisibility() && element.getBoundingClientRect().width > 0;
const name = element => element.tagName + '.' + (element.getAttribute('class') || '') + ' ' +
    element.textContent.slice(0, 40);
if (document.documentElement.scrollWidth > innerWidth)
  faults.push('the page is ' + document.documentElement.scrollWidth + ' wide');
for (const element of document.querySelectorAll('body *')) {
  const box = element.getBoundingClientRect();
  if (element.checkVisibility() && !element.closest('thead') && !element.closest('.scroll') && !element.closest('svg')
      && (box.right > innerWidth + 1 || box.left < -1)) faults.push('off the page: ' + name(element));
}
for (const svg of document.querySelectorAll('svg[role=img]')) {
  const frame = svg.getBoundingClientRect();
  if (!svg.checkVisibility()) continue;
  if (frame.width < 60 || frame.height < 20) faults.push('small drawing: ' + svg.getAttribute('aria-label'));
  if (!svg.getAttribute('aria-label')) faults.push('a drawing without words');
  for (const text of svg.querySelectorAll('text')) {
    if (getComputedStyle(text).display === 'none') continue;
    const box = text.getBoundingClientRect();
    if (box.left < frame.left - 2 || box.right > frame.right + 2 || box.bottom > frame.bottom + 2 ||
        box.top < frame.top - 2) faults.push('text cut off: ' + text.textContent);
    if (box.height < 9) faults.push('text too small: ' + text.textContent);
  }
}
const light = colour => colour.match(/[0-9.]+/g).slice(0, 3).map(c => c / 255)
  .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const behind = element => {
  for (let one = element; one; one = one.parentElement) {
    const colour = getComputedStyle(one).backgroundColor;
    if (colour !== 'rgba(0, 0, 0, 0)') return colour;
  }
  return 'rgb(255, 255, 255)';
};
for (const element of document.querySelectorAll('body *')) {
  const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  if (!own || !shown(element) || element.tagName === 'title') continue;
  const style = getComputedStyle(element);
  const ink = light(element.tagName === 'text' ? style.fill : style.color), paper = light(behind(element));
  const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  if (contrast < 4.5) faults.push('contrast ' + contrast.toFixed(1) + ': ' + name(element));
  if (parseFloat(style.fontSize) < 10) faults.push('small type: ' + name(element));
}
return [...new Set(faults)];
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    profile = tmp_path_factory.mktemp("profile")
    for flag in (*FLAGS.split(), f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture
def page(sample_report: ReplayReport, tmp_path: Path) -> Path:
    return written(sample_report, tmp_path)


def written(report: ReplayReport, folder: Path, title: str = "shop/decisions.jsonl") -> Path:
    path = folder / "report.html"
    path.write_text(html_report(report, title, {"Profit against sends": DRAWING}), encoding="utf-8")
    return path


def opened(browser: Any, page: Path, width: int, media: str = "screen") -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media})
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(page.as_uri())


def faults(browser: Any) -> list[str]:
    # A phone zooms out where a page is wider than it.
    assert browser.execute_script("return innerWidth") in (PHONE, DESK, PAPER), "the page is wider than the screen"
    found: list[str] = browser.execute_script(FAULTS)
    return found


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("unfolded", [False, True])
def test_page_fits_the_screen(browser: Any, page: Path, width: int, unfolded: bool) -> None:
    opened(browser, page, width)
    if unfolded:
        browser.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert faults(browser) == []


def test_page_has_every_picture(browser: Any, page: Path) -> None:
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


def test_page_is_silent_and_fetches_nothing(browser: Any, page: Path) -> None:
    opened(browser, page, DESK)
    asked = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [one["params"]["request"]["url"] for one in asked if one["method"] == "Network.requestWillBeSent"]
    assert [url for url in urls if not url.startswith("data:")] == [page.as_uri()]
    assert browser.get_log("browser") == []


def test_page_prints(browser: Any, page: Path) -> None:
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
def test_crowded_page_fits(browser: Any, sample_report: ReplayReport, tmp_path: Path, width: int) -> None:
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
def test_sweep_page_fits(browser: Any, sample_report: ReplayReport, tmp_path: Path, width: int) -> None:
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


def test_names_stay_text(browser: Any, sample_report: ReplayReport, tmp_path: Path) -> None:
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
