"""`python -m simulator sweep`."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulator import Space
from simulator.__main__ import application


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")

    def invoked(*arguments):
        return CliRunner().invoke(application(), ["sweep", *map(str, arguments)])

    return invoked


def test_it_prints_and_writes_what_was_found(run, shop_log, space_file, tmp_path):
    out = tmp_path / "out"
    written = ("--json", tmp_path / "s.json", "--html", tmp_path / "s.html")
    found = run(shop_log, "--space", space_file, "--out", out, *written)
    assert found.exit_code == 0, found.output
    assert "is better than today's policy" in found.output
    assert "── no better than logged" in found.output
    assert f"snapshot: {out}/winner/snapshots/shop/00000001" in found.output
    assert (out / "winner" / "snapshots" / "shop" / "00000001" / "manifest.json").is_file()
    assert max(map(len, found.output.replace("snapshot: ", "").splitlines()[:30])) <= 100
    report = json.loads((tmp_path / "s.json").read_bytes())
    assert report["schema"] == "armsreach.sweep.v1"
    assert report["better"] is True
    assert [row["standing"] for row in report["leaderboard"]].count("better") >= 1
    assert report["winner"]["lift"]["low"] > 0
    assert set(report["periods"]) == {"by", "select_from", "confirm_from", "embargo_s", "decisions"}
    page = (tmp_path / "s.html").read_text()
    HTMLParser().feed(page)
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert "no better than logged" in page

    again = run(shop_log, "--space", space_file, "--out", out, "--json", "-")
    assert json.loads(again.stdout) == report


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[learning]\nlearning_rat = 0.1\n", "learning_rate"),
        ("[search\n", "not valid TOML"),
        ("", "expected candidates"),
    ],
)
def test_a_space_that_is_none_ends_with_2(run, shop_log, tmp_path, text, message):
    path = tmp_path / "space.toml"
    path.write_text(text)
    found = run(shop_log, "--space", path)
    assert found.exit_code == 2
    assert message in found.stderr


def test_a_log_that_is_none_ends_with_2(run, space_file, tmp_path):
    assert run(tmp_path / "no.jsonl", "--space", space_file).exit_code == 2
    (tmp_path / "empty").mkdir()
    found = run(tmp_path / "empty", "--space", space_file)
    assert found.exit_code == 2
    assert "folder without files" in found.stderr


def test_the_example_space_can_be_read():
    space = Space.read(Path(__file__).parents[3] / "examples" / "sweep.toml")
    assert 30 <= len(space.settings()) <= 60
