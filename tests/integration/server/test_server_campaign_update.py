"""`python -m engine campaign update` on a real server: settings change, copy does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from engine.client import Client
from engine.commands.app import app

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_settings_change_and_killed_copy_stays_killed(client: Client, server: Any, tmp_path: Path) -> None:
    target = ("--target", server.address)
    file = tmp_path / "changed.toml"
    text = (EXAMPLES / "campaign.toml").read_text().replace('id = "autumn"', 'id = "updated"')
    file.write_text(text)
    assert run("campaign", "create", str(file), *target)[0] == 0
    assert run("campaign", "kill", "updated", "warm-10", *target)[0] == 0
    file.write_text(text.replace("control = 0.05", "control = 0.25"))
    code, output = run("campaign", "update", str(file), *target)
    assert (code, "control 25.0%" in output) == (0, True), output
    settings = client.campaign("updated").settings
    assert settings["shares"]["control"] == 0.25
    assert {v["id"]: v["state"] for v in settings["variants"]}["warm-10"] == "killed"


def test_an_update_of_nothing_is_refused(server: Any) -> None:
    code, output = run("campaign", "update", str(EXAMPLES / "campaign.toml"), "--target", "127.0.0.1:1")
    assert (code, "engine serve" in output) == (2, True)
    code, output = run("campaign", "create", str(EXAMPLES / "campaign.toml"), "--target", server.address)
    again, output = run("campaign", "create", str(EXAMPLES / "campaign.toml"), "--target", server.address)
    assert (again, "`campaign update`" in output) == (2, True)


def test_learning_a_folder_that_no_server_used_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "nothing"
    result = CliRunner().invoke(app, ["learn", "--once", "--data", str(folder)])
    assert "no server has used this data folder" in f"{result.output}{result.exception}"
    assert not folder.exists()
