"""What must hold of a data folder after its server was killed again and again."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.torture_load import CAMPAIGN, Acknowledged
from benchmarks.torture_server import VictimServer
from engine.config import Settings
from engine.core.decision import Decision
from engine.core.errors import FailedPrecondition
from engine.core.outcome import Outcome
from engine.service.learning import Learning
from engine.wiring import open_campaigns, open_journal, open_learning, snapshot_stores


@dataclass(frozen=True)
class Found:
    """What is in the journal and the model.

    Attributes:
        decisions: Records of decisions.
        outcomes: Records of outcomes.
        learned: Decisions learned.
        snapshots: Snapshots on disk.
        wrong: What should not be, in words.
    """

    decisions: list[Decision]
    outcomes: list[Outcome]
    learned: int
    snapshots: int
    wrong: list[str]


def examine(server: VictimServer, acknowledged: Acknowledged) -> Found:
    """Compare a stopped server's folder with what clients were told."""
    settings = Settings(data=str(server.folder / "data"))
    decisions, outcomes = journalled(settings)
    wrong = [*acknowledged.contradictions, *acknowledged.refused]
    by_id = {decision.id: decision for decision in decisions}
    wrong += [f"decision {i} stands {n} times" for i, n in Counter(d.id for d in decisions).items() if n > 1]
    wrong += [f"outcome {i} stands {n} times" for i, n in Counter(o.id for o in outcomes).items() if n > 1]
    for id, (arm, propensity) in acknowledged.decisions.items():
        kept = by_id.get(id)
        if kept is None:
            wrong.append(f"decision {id} was acknowledged and is lost")
        elif (kept.arm, kept.propensity) != (arm, propensity):
            wrong.append(f"decision {id}: {kept.arm} {kept.propensity} kept, {arm} {propensity} told")
    missing = acknowledged.outcomes - {outcome.id for outcome in outcomes}
    wrong += [f"outcome {id} was acknowledged and is lost" for id in sorted(missing)]
    learned, snapshots, more = models(server, settings)
    return Found(decisions, outcomes, learned, snapshots, wrong + more)


def journalled(settings: Settings) -> tuple[list[Decision], list[Outcome]]:
    """Everything on record, repeats included."""
    journal = open_journal(settings, open_campaigns(settings))
    records = [entry.record for _, entry in journal.read()]
    return [r for r in records if isinstance(r, Decision)], [r for r in records if isinstance(r, Outcome)]


def models(server: VictimServer, settings: Settings) -> tuple[int, int, list[str]]:
    """The killed learner's weights beside those of one that was never disturbed, over the same journal."""
    beside = server.folder / "undisturbed"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    data = Path(settings.data)
    shutil.copytree(data / "journal", beside / "journal")
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        if (data / name).exists():
            shutil.copy(data / name, beside / name)
    weights = {}
    for name, folder in (("killed", data), ("undisturbed", beside)):
        learning = _opened(Settings(data=str(folder)))
        while learning.step():
            pass
        weights[name] = (learning.learned, learning.to_bytes())
        learning.close()
    wrong = []
    if weights["killed"] != weights["undisturbed"]:
        wrong.append(f"the model differs: {weights['killed'][0]} and {weights['undisturbed'][0]} decisions learned")
    store = snapshot_stores(settings)(CAMPAIGN)
    versions = store.versions()
    counts = [store.load(version).manifest.learned for version in versions]
    if counts != sorted(set(counts)):
        wrong.append(f"snapshots were published twice or out of order: {counts}")
    return weights["killed"][0], len(versions), wrong


def _opened(settings: Settings, within_s: float = 40.0) -> Learning:
    """The learner, once the lease of a killed one has run out."""
    ends = time.monotonic() + within_s
    while True:
        try:
            return open_learning(settings, CAMPAIGN, holder="examiner")
        except FailedPrecondition:
            if time.monotonic() > ends:
                raise
            time.sleep(0.5)
