"""Retention and budgets: what the ledger has yet to count stays, and a worker that does not come back holds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.config import JournalSettings, RequestIdSettings, Settings
from engine.core.arm import ArmId
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.limits import Limits
from engine.core.prices import BUDGET
from engine.journal import JournalReader, Mark, SegmentWriter, close_orphans
from engine.journal.chain import Chain
from engine.service.campaigns import Campaigns
from engine.service.learning_checkpoint import Checkpoint as LearnerCheckpoint
from engine.service.taking_over import take_over
from engine.store.ledger import Ledger, Request, SqliteLedger, account_name
from engine.wiring import arms_of, open_campaigns, open_retention, settle_orphans
from engine.wiring.budgets import holder_name, recoveries

START = datetime(2026, 3, 1, tzinfo=UTC)
LATER = START + timedelta(days=30)
ACCOUNT = account_name("spring", BUDGET)
CAMPAIGN: dict[str, Any] = {
    "id": "spring",
    "schema": {"dimension": 0},
    "channels": [{"id": "email", "cost_minor": 7}],
    "slots": [{"id": "now"}],
    "variants": [{"id": "v", "state": "approved", "channels": {"email": {"text": "x"}}}],
    "budget": {"amount_minor": 1_000, "chunk_minor": 100},
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data=str(tmp_path), journal=JournalSettings(keep_days=7.0))
    return replace(settings, request_ids=RequestIdSettings(ttl_s=1.0))


@pytest.fixture
def campaigns(settings: Settings) -> Iterator[Campaigns]:
    made = open_campaigns(settings)
    made.create(CAMPAIGN, file="test")
    yield made
    made.close()


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    opened = SqliteLedger(settings.folder / "ledger.db")
    yield opened
    opened.close()


def decision(number: int) -> Decision:
    context, arm = Context(np.zeros(0, dtype=np.float32)), ArmId("v/email/now")
    return Decision(f"{number:032x}", "spring", "u", START, arm, (arm,), None, 1 << 24, 0, context, Mode.LIVE, "cat")


def spending(settings: Settings, campaigns: Campaigns, ledger: Ledger, chain: str, sends: int) -> SegmentWriter:
    """A worker that leased a chunk, decided, and was killed before its next checkpoint."""
    writer = SegmentWriter(settings.folder / "journal", chain, segment_bytes=400)
    writer.append(Mark(), START)
    writer.commit()
    campaign = campaigns.get("spring").campaign
    limits, holder = Limits(campaign, campaign.catalogue()), holder_name(settings, chain)
    recover = recoveries(settings, arms_of(campaigns))("spring")
    taken = take_over(ledger, holder, "spring", limits.ids, writer.position, recover, limits.prices)
    ledger.lease(holder, [Request(ACCOUNT, taken.holdings[BUDGET].epoch, 1, 100, 1_000, 1)])
    for number in range(sends):
        writer.append(decision(number), START)
        writer.commit()
    return writer


def killed(writer: SegmentWriter) -> None:
    writer._lock.release()  # what the kernel does
    writer._file.close()


def learned(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever there is, the learner has read it."""
    reader = JournalReader(settings.folder / "journal")
    list(reader.read())
    monkeypatch.setattr(LearnerCheckpoint, "load", lambda _: SimpleNamespace(positions=reader.positions))


def first_segment(settings: Settings, chain: str) -> int:
    return Chain(settings.folder / "journal", chain).segments()[0]


def test_what_is_not_counted_yet_stays(
    settings: Settings, campaigns: Campaigns, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = spending(settings, campaigns, ledger, "worker-0", 10)
    learned(settings, monkeypatch)
    retention = open_retention(settings, campaigns, ledger)
    place = ledger.checkpoints(ACCOUNT)[holder_name(settings, "worker-0")]
    assert writer.position.segment > place.segment + 2
    assert retention.remove(LATER) == 0
    epoch = ledger.open(holder_name(settings, "worker-0"), [ACCOUNT])[0].epoch
    moved = replace(place, spent=70, segment=writer.position.segment, offset=writer.position.offset)
    ledger.checkpoint(holder_name(settings, "worker-0"), {ACCOUNT: epoch}, {ACCOUNT: moved})
    assert retention.remove(LATER) == writer.position.segment - 1
    assert first_segment(settings, "worker-0") == writer.position.segment
    writer.close()


def test_a_worker_that_does_not_come_back_is_settled_and_its_chain_grows_old(
    settings: Settings, campaigns: Campaigns, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(spending(settings, campaigns, ledger, "worker-1", 10))
    own = spending(settings, campaigns, ledger, "worker-0", 2)
    assert (ledger.statement(ACCOUNT).leased, ledger.statement(ACCOUNT).spent) == (200, 0)
    close_orphans(settings.folder / "journal", LATER, keep=["worker-0"])
    arms = arms_of(campaigns)
    assert settle_orphans(settings, campaigns, ledger, arms, keep=["worker-0"]) == ["worker-1"]
    assert (ledger.statement(ACCOUNT).leased, ledger.statement(ACCOUNT).spent) == (170, 70)
    assert ledger.checkpoints(ACCOUNT)[holder_name(settings, "worker-1")].closed
    assert settle_orphans(settings, campaigns, ledger, arms, keep=["worker-0"]) == []
    learned(settings, monkeypatch)
    assert open_retention(settings, campaigns, ledger).remove(LATER + timedelta(days=8)) > 2
    records = [e.record for p, e in JournalReader(settings.folder / "journal").read() if p.chain == "worker-1"]
    assert records == [Mark(closed=True)]
    # It comes back all the same: nothing is counted twice, and nothing of it is missing.
    again = SegmentWriter(settings.folder / "journal", "worker-1")
    campaign = campaigns.get("spring").campaign
    limits = Limits(campaign, campaign.catalogue())
    holder, recover = holder_name(settings, "worker-1"), recoveries(settings, arms)("spring")
    taken = take_over(ledger, holder, "spring", limits.ids, again.position, recover, limits.prices)
    assert (taken.spent[BUDGET], taken.holdings[BUDGET].net) == (70, 70)
    again.close()
    own.close()


def test_a_living_worker_is_not_settled(settings: Settings, campaigns: Campaigns, ledger: Ledger) -> None:
    writer = spending(settings, campaigns, ledger, "worker-1", 3)
    assert settle_orphans(settings, campaigns, ledger, arms_of(campaigns), keep=["worker-0"]) == []
    assert not ledger.checkpoints(ACCOUNT)[holder_name(settings, "worker-1")].closed
    writer.close()
