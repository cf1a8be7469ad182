"""A thousand arms from the request to the replay: compact records, expanded rows, probabilities derived again."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from engine.config import Settings
from engine.core.arm import HOLD, ChannelId
from engine.core.campaign import Campaign
from engine.core.context import Context
from engine.core.decision import Decision
from engine.core.errors import CorruptState, FailedPrecondition
from engine.core.forgotten import forgotten_name
from engine.core.outcome import Outcome, OutcomeType
from engine.journal import Mark
from engine.service.exporting import export_log
from engine.service.rederiving import Rederiving
from engine.service.requests import DecideRequest, OutcomeReport
from engine.wiring import open_campaigns, open_journal, open_learning, open_worker, snapshot_stores
from simulator.__main__ import application

DECISIONS = 240

CAMPAIGN = """
id = "wide"
[schema]
dimension = 4
[[channels]]
id = "email"
[[channels]]
id = "sms"
needs_consent = true
[[slots]]
id = "now"
[objective]
weights = { click = 1.0 }
typical = 0.05
[windows_s]
click = 60.0
[shares]
control = 0.2
[publishing]
every_decisions = 50
[learning]
interactions = ["UC", "UO"]
bits = 14
save_every = 50
"""


def variants() -> str:
    return "\n".join(
        f'[[variants]]\nid = "v{i}"\nstate = "{"draft" if i % 10 == 9 else "approved"}"\n'
        f"offer = {{ percent = {i / 500} }}\n"
        'channels = { email = { body = "x" }, sms = { body = "x" } }\n'
        for i in range(500)
    )


async def served(settings: Settings, first: int, count: int) -> list[Decision]:
    """Decide for `count` shoppers a second apart; every fifth clicks."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    worker = open_worker(settings)
    made = []
    for n in range(first, first + count):
        rng, at = np.random.default_rng(n), start + timedelta(seconds=n)
        context = Context(rng.normal(size=4).astype(np.float32), {}, frozenset({ChannelId("sms")}) if n % 2 else None)
        request = DecideRequest(campaign="wide", user=f"u{n}", request_id=f"r{n}", context=context, at=at)
        made.append(await worker.delivery.decide(request))
        if n % 5 == 0:
            click = Outcome(f"o{n}", "wide", OutcomeType.CLICK, at, decision_id=made[-1].id)
            await worker.delivery.report(OutcomeReport("wide", [click]))
    await worker.commits.append(Mark(), start + timedelta(seconds=first + count + 3_600))
    await worker.close()
    return made


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, list[Decision]]:
    folder = tmp_path_factory.mktemp("wide")
    (folder / "wide.toml").write_text(CAMPAIGN + variants())
    settings = Settings(data=str(folder / "data"), clock="client", campaigns=(str(folder / "wide.toml"),))
    decisions = asyncio.run(served(settings, 0, DECISIONS))
    learning = open_learning(settings, "wide", holder="test")
    learning.step()
    learning.close()
    decisions += asyncio.run(served(settings, 10_000, DECISIONS))
    return settings, decisions


def records(settings: Settings) -> list[Decision]:
    reader = open_journal(settings, open_campaigns(settings))
    return [entry.record for _, entry in reader.read() if isinstance(entry.record, Decision)]


def rederiving(settings: Settings, campaign: Campaign | None = None) -> Rederiving:
    campaigns = open_campaigns(settings)
    stores = snapshot_stores(settings)
    return Rederiving(campaign or campaigns.get("wide").campaign, stores("wide"), campaigns.catalogue)


def test_records_are_compact_and_come_back_as_they_were_decided(run):
    settings, decisions = run
    kept = {record.id: record for record in records(settings)}
    assert len(kept) == len(decisions) == 2 * DECISIONS
    for decision in decisions:
        record = kept[decision.id]
        assert record.counts is None
        assert (record.eligible, record.excluded) == (decision.eligible, decision.excluded)
        assert (record.arm, record.chosen_count) == (decision.arm, decision.chosen_count)
        assert len(record.eligible) == (901 if "sms" in (record.context.consents or ()) else 451)
    journal = sum(path.stat().st_size for path in (settings.folder / "journal").rglob("*.segment"))
    assert journal / len(kept) < 1_000


def test_every_probability_is_derived_again_from_the_snapshot(run):
    settings, decisions = run
    again = rederiving(settings)
    of_model = 0
    for record in records(settings):
        counts = again.counts(record)
        assert counts.sum(dtype=np.int64) == 1 << 24
        assert counts[record.eligible.index(record.arm)] == record.chosen_count
        of_model += bool(record.snapshot)
        assert len(set(counts.tolist())) > 2 if record.snapshot else len(set(counts.tolist())) <= 2
    assert of_model > 100
    assert {decision.snapshot for decision in decisions} > {""}


def test_a_record_that_does_not_fit_is_refused(run):
    settings, _ = run
    record = next(record for record in records(settings) if record.snapshot)
    with pytest.raises(CorruptState, match="re-scoring"):
        rederiving(settings).counts(replace(record, chosen_count=record.chosen_count + 1))
    with pytest.raises(FailedPrecondition, match="softmax"):
        rederiving(settings).counts(replace(record, policy="softmax(9)"))
    with pytest.raises(FailedPrecondition, match="forgotten"):
        rederiving(settings).counts(replace(record, user=forgotten_name()))


def test_the_log_is_expanded_and_replayed(run, tmp_path: Path):
    settings, decisions = run
    campaigns, log = open_campaigns(settings), tmp_path / "log.jsonl"
    counts = export_log(open_journal(settings, campaigns), campaigns.get("wide").campaign, campaigns.catalogue, log)
    assert counts["decisions"] == 2 * DECISIONS
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    for row, decision in zip(rows, decisions, strict=True):
        assert row["eligible"] == list(decision.eligible)
        known = [p for p in row["probabilities"] if p is not None]
        assert known == [row["propensity"]] == [decision.propensity]
        assert row["probabilities"][row["eligible"].index(row["arm"])] == row["propensity"]
        assert set(row["excluded"].values()) <= {"variant_draft", "no_consent"}
    report = tmp_path / "report.json"
    done = CliRunner().invoke(
        application(), ["replay", str(log), "--resamples", "100", "--json", str(report)], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    answer = json.loads(report.read_text())
    assert answer["log"]["decisions"] == 2 * DECISIONS
    logged = next(policy for policy in answer["policies"] if policy["policy"] == "logged")
    assert logged["metrics"]["ctr"]["ips"]["value"] == pytest.approx(
        sum("click" in str(r["outcomes"]) for r in rows) / 480
    )
    assert any(row["arm"] != HOLD for row in rows)
