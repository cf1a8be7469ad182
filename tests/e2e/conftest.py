"""A headless Chromium, and what it finds wrong with a page."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PHONE, DESK, PAPER = 390, 1280, 688
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)

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


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (extra dev)")
    chromium, driver_path = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver_path is None:
        pytest.skip("chromium and chromedriver are not installed (make check installs them)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    profile = tmp_path_factory.mktemp("profile")
    for flag in (*FLAGS.split(), f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver_path))
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def opened() -> Callable[..., None]:
    """Open a page in a window of some width."""

    def open_(browser: Any, page: Path, width: int, media: str = "screen") -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media})
        browser.get_log("performance")
        browser.get_log("browser")
        browser.get(page.as_uri())

    return open_


@pytest.fixture(scope="session")
def faults() -> Callable[[Any], list[str]]:
    """Return what is wrong with the page that is open."""

    def find(browser: Any) -> list[str]:
        # A phone zooms out where a page is wider than it.
        assert browser.execute_script("return innerWidth") in (PHONE, DESK, PAPER), "the page is wider than the screen"
        found: list[str] = browser.execute_script(FAULTS)
        return found

    return find
