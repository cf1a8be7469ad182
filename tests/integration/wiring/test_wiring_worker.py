"""A worker lets models go that were swapped out, however little it is asked."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakSet

import numpy as np

from engine.config import LearnerSettings, Settings
from engine.core.campaign import Campaign
from engine.core.context import Context
from engine.core.reading import plain, read
from engine.journal import Positions
from engine.service.clocks import SystemClock
from engine.service.learning_trained import Trained
from engine.service.publishing import Publisher
from engine.service.requests import DecideRequest
from engine.service.serving import Serving
from engine.store import SnapshotStore, SqliteLeases
from engine.vw import VwLearner
from engine.wiring.serving import open_worker

CAMPAIGN = {
    "id": "promo",
    "schema": {"dimension": 4},
    "channels": [{"id": "push"}],
    "slots": [{"id": "now"}],
    "variants": [{"id": name, "state": "approved", "channels": {"push": {"text": name}}} for name in "abc"],
}


async def test_models_that_were_swapped_out_are_let_go(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path / "data"), learner=LearnerSettings(enabled=False))
    campaign = read(Campaign, CAMPAIGN)
    worker = open_worker(settings)
    worker.campaigns.create(plain(campaign))
    await worker.refresh()
    store = SnapshotStore(settings.folder / "snapshots", "promo")
    publisher = Publisher(store, SystemClock())
    lease = SqliteLeases(tmp_path / "leases.db", SystemClock()).acquire("learner/promo", "test", 600.0)
    model = VwLearner(campaign.learning, campaign.schema).to_bytes()
    served: WeakSet[Serving] = WeakSet()
    rng = np.random.default_rng(1)
    gc.disable()
    try:
        for swap in range(6):
            publisher.publish(campaign, Trained(model, swap + 1, Positions(), datetime.now(UTC)), lease, rebuilt=True)
            await worker.refresh()
            served.add(worker.registry["promo"])
            for shopper in range(3):
                context = Context(rng.normal(size=4).astype(np.float32), {})
                await worker.delivery.decide(DecideRequest("promo", f"u{shopper}", context, f"{swap}-{shopper}"))
        alive = len(served)
    finally:
        gc.enable()
        await worker.close()
    # The one in force, and the one that was counted last.
    assert alive <= 2
