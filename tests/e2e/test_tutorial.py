"""The tutorial's page shows what its commands print."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Each stands for a way of going wrong that the others do not have, and they take half a minute together.
STEPS = ("import", "lint", "bounded", "women", "refused", "dsjson")
NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?")


@pytest.fixture(scope="module")
def tutorial() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "make_tutorial.py"))


@pytest.mark.slow
def test_the_page_shows_what_its_commands_print(tutorial: dict[str, Any], tmp_path: Path) -> None:
    data = tutorial["data_folder"]()
    for name in ("hillstrom", "obd", "dsjson"):
        if not (data / name).is_dir():
            pytest.skip(f"{name} is not in ARMSREACH_DATA (default ../shared/data)")
    page = {step.name: step for step in tutorial["steps"](tutorial["PAGE"].read_text(encoding="utf-8"))}
    for name in STEPS:
        printed = tutorial["run"](page[name], tmp_path)
        assert page[name].shown not in (None, "", "-")
        assert_same(page[name].shown, printed, f"step {name}: run `make tutorial`")


def test_every_cut_belongs_to_a_step(tutorial: dict[str, Any]) -> None:
    names = [step.name for step in tutorial["steps"](tutorial["PAGE"].read_text(encoding="utf-8"))]
    assert len(names) == len(set(names))
    assert set(tutorial["CUTS"]) <= set(names)
    assert set(STEPS) <= set(names)


def test_the_page_names_no_machine(tutorial: dict[str, Any]) -> None:
    page = tutorial["PAGE"].read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(?:work|home|tmp|root|Users)/", page)


def test_outputs_are_put_below_their_commands(tutorial: dict[str, Any]) -> None:
    page = "a\n<!-- step:one -->\n```sh\ntrue\n```\n\n```text\nold\n```\nb\n<!-- step:two -->\n```sh\ntrue\n```\nc\n"
    assert tutorial["filled"](page, {"one": "new\\1", "two": ""}) == page.replace("old", "new\\1")


def assert_same(shown: str, printed: str, hint: str) -> None:
    """Hold words against words, and figures against figures within what another processor's sums may differ by."""
    assert words(shown) == words(printed), hint
    for ours, theirs in zip(figures(shown), figures(printed), strict=True):
        assert theirs == pytest.approx(ours, rel=2e-3, abs=2e-3), hint


def words(text: str) -> str:
    return " ".join(NUMBER.sub("#", text).split())


def figures(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in NUMBER.findall(text)]
