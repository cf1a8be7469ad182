"""Looks at the copy gallery in headless Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("babel", reason="the extra generators is not installed")

from generators.brief_file import read_briefs
from generators.embeddings import ChargramEmbedder
from generators.feed import Feed
from generators.gallery import write_gallery
from generators.hooks import TemplateHooks
from generators.studio import Studio
from generators.variants import variant_records

ROOT = Path(__file__).parents[2]
PHONE, DESK, PAPER = 390, 1280, 688
Open, Faults = Callable[..., None], Callable[[Any], list[str]]


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    briefs = read_briefs(ROOT / "examples/briefs/autumn.toml")
    briefs += Feed(ROOT / "examples/briefs/products.csv").briefs()[:12]
    records = variant_records(Studio(TemplateHooks()).write(briefs, 2), ChargramEmbedder())
    records[0]["state"] = "approved"
    path = tmp_path_factory.mktemp("gallery") / "gallery.html"
    write_gallery(records, path, "Autumn & <b>more</b>")
    return path


@pytest.mark.parametrize(("width", "media"), [(PHONE, "screen"), (DESK, "screen"), (PAPER, "print")])
def test_gallery_fits(browser: Any, gallery: Path, opened: Open, faults: Faults, width: int, media: str) -> None:
    opened(browser, gallery, width, media)
    browser.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert faults(browser) == []


def test_gallery_filters_and_fetches_nothing(browser: Any, gallery: Path, opened: Open) -> None:
    opened(browser, gallery, DESK)
    shown = "return [...document.querySelectorAll('article')].filter(one => one.checkVisibility()).length"
    everything = browser.execute_script(shown)
    assert everything == 28
    browser.execute_script(
        "const form = document.getElementById('filter'); form.elements.state.value = 'approved';"
        "form.dispatchEvent(new Event('input'))"
    )
    assert browser.execute_script(shown) == 1
    assert browser.execute_script("return document.querySelector('output').value") == "1 shown"
    browser.execute_script(
        "const form = document.getElementById('filter'); form.elements.state.value = '';"
        "form.elements.text.value = 'KETTLE15'; form.dispatchEvent(new Event('input'))"
    )
    assert 0 < browser.execute_script(shown) < everything
    assert browser.title == "Autumn & <b>more</b>"
    assert browser.get_log("browser") == []
