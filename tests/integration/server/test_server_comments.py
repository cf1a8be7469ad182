"""Comments go round: decided, said, read, reported, learned from, logged and replayed."""

from __future__ import annotations

import csv
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import json_format
from typer.testing import CliRunner

from engine.client import Answer, Client, ClientOptions
from engine.commands.app import app as engine_app
from engine.core.decision import Mode
from engine.core.outcome import OutcomeType
from engine.pb.armsreach.v1 import delivery_pb2
from generators.__main__ import app as generators_app
from simulator.__main__ import application

START = datetime(2026, 3, 1, tzinfo=UTC)
STEP_S, ROUND = 2.0, 60
SAID = {
    "a": "Love it, wonderful and funny 😍",
    "b": "Awful spam, I hate it. Call 13812345678",
    "c": "The set has four pieces.",
}


class Talkers:
    """Shoppers who say what they think of what they were sent."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._generator = np.random.default_rng(5)
        self.answers: list[tuple[datetime, Answer]] = []

    def visits(self, count: int) -> list[tuple[datetime, Answer]]:
        made = []
        for number in range(len(self.answers), len(self.answers) + count):
            at = START + timedelta(seconds=STEP_S * number)
            answer = self._client.decide("promo", f"user-{number}", self._generator.normal(size=4), at=at)
            made.append((at, answer))
        self.answers += made
        return made


def feedback(folder: Path, round_: int, visits: list[tuple[datetime, Answer]], address: str) -> str:
    comments = folder / f"comments-{round_}.csv"
    with comments.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["said", "decision", "arm", "when"])
        for at, answer in visits:
            if answer.is_send:
                said = SAID[answer.variant]
                writer.writerow([said, answer.decision_id, answer.variant, (at + timedelta(seconds=1)).isoformat()])
    arguments = ["feedback", str(comments), "-o", str(folder / f"read-{round_}.jsonl"), "--campaign", "promo"]
    for pair in ("text=said", "decision_id=decision", "variant=arm", "at=when"):
        arguments += ["--column", pair]
    arguments += ["--outcomes", str(folder / f"outcomes-{round_}.jsonl"), "--report", address]
    result = CliRunner().invoke(generators_app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def campaign(make_settings: Any) -> dict[str, Any]:
    return dict(
        make_settings(
            windows_s=dict.fromkeys(("click", "purchase", "refund", "cost", "unsubscribe", "not_sent"), 200.0),
            publishing={"every_decisions": 60, "keep": 50},
            objective={"weights": {"click": 0.1, "comment": 1.0}, "low": -1.0, "high": 1.0, "typical": 0.3},
            shares={"control": 0.1, "holdout": 0.0},
        )
    )


def test_comments_go_round(start_server: Any, campaign: dict[str, Any], tmp_path: Path) -> None:
    server = start_server(clock="client", learner=True)
    with Client(server.address, ClientOptions(deadline_ms=20_000.0)) as client:
        client.create_campaign(campaign)
        talkers = Talkers(client)
        for round_ in range(5):
            said = feedback(tmp_path, round_, talkers.visits(ROUND), server.address)
        assert "0 known already" in said
        again = feedback(tmp_path, 4, talkers.answers[-ROUND:], server.address)
        assert "0 outcomes taken" in again, "a second report changes nothing"
        talkers.visits(2 * ROUND)
        ends = time.monotonic() + 60.0
        while not client.snapshots("promo"):
            assert time.monotonic() < ends, server.log
            talkers.visits(10)
            time.sleep(0.05)
        _learned(talkers)
    assert server.stop() == 0
    _said_of_each_variant(tmp_path)
    _logged_and_replayed(server, tmp_path)


def _learned(talkers: Talkers) -> None:
    """Comments are all that tells variants apart, so what is served shows whether they were learned."""
    before = len(talkers.answers)
    live = [answer for _, answer in talkers.visits(300) if answer.mode is Mode.LIVE and answer.snapshot]
    assert len(live) > 100, f"no snapshot served after {before} visits"
    share = np.mean([answer.variant == "a" for answer in live])
    uniform = np.mean([answer.variant == "a" for _, answer in talkers.answers if answer.mode is not Mode.LIVE])
    assert share > uniform + 0.15, (share, uniform)


def _said_of_each_variant(folder: Path) -> None:
    document = json.loads((folder / "read-0.variants.json").read_text())
    mood = {item["variant"]: item["mood"] for item in document["variants"]}
    assert mood["a"]["low"] > 0.3
    assert mood["b"]["high"] < -0.3
    assert "13812345678" not in (folder / "read-0.jsonl").read_text()
    line = (folder / "outcomes-0.jsonl").read_text().splitlines()[0]
    request = json_format.Parse(line, delivery_pb2.ReportOutcomesRequest())
    assert {outcome.type for outcome in request.outcomes} == {7}


def _logged_and_replayed(server: Any, folder: Path) -> None:
    log, report = folder / "log.jsonl", folder / "report.json"
    config = ["--config", str(server.folder / "armsreach.toml"), "--data", str(server.folder / "data")]
    result = CliRunner().invoke(engine_app, ["log", "--campaign", "promo", *config, "-o", str(log)])
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    moods: dict[str, list[float]] = {"a": [], "b": [], "c": []}
    for row in rows:
        for outcome in row["outcomes"]:
            assert outcome["type"] == OutcomeType.COMMENT
            moods[row["arm"].split("/")[0]].append(outcome["value"])
    assert min(moods["a"]) > 0.3
    assert max(moods["b"]) < -0.3
    arms = sorted({row["arm"] for row in rows if row["outcomes"]})
    best = next(arm for arm in arms if arm.startswith("a/"))
    worst = next(arm for arm in arms if arm.startswith("b/"))
    policies = ["--policy", f"constant:{best}", "--policy", f"constant:{worst}", "--estimator", "ips"]
    until = (START + timedelta(seconds=STEP_S * 5 * ROUND)).isoformat()
    objective = ["--objective", "click=0,purchase=0.3,comment=0.1", "--to", until]
    arguments = ["replay", str(log), *policies, *objective, "--json", str(report)]
    result = CliRunner().invoke(application(), arguments)
    assert result.exit_code == 0, result.output
    document = json.loads(report.read_text())
    value = {p["policy"]: p["metrics"]["objective"]["ips"]["value"] for p in document["policies"]}
    assert value[f"constant:{best}"] > 0.02 > -0.02 > value[f"constant:{worst}"]
