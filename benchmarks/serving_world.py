"""What the serving benchmarks serve: a campaign with 30 sendable arms and 64 dimensions, its snapshot, its requests."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from engine.config import Settings
from engine.core.campaign import Campaign
from engine.core.learning import LearningEvent
from engine.core.reading import plain, read
from engine.journal import Positions
from engine.pb.armsreach.v1 import delivery_pb2 as wire
from engine.service.clocks import SystemClock
from engine.service.learning_trained import Trained
from engine.service.publishing import Publisher
from engine.store import SnapshotStore, SqliteLeases
from engine.vw import VwLearner
from engine.wiring import open_campaigns

CAMPAIGN = "bench"


def campaign(variants: int = 5, dimension: int = 64, **changes: Any) -> Campaign:
    """`variants` × 2 channels × 3 slots, and `hold`."""
    settings: dict[str, Any] = {
        "id": CAMPAIGN,
        "schema": {"dimension": dimension, "attributes": {"tier": {"kind": "categorical", "vocabulary": ["a", "b"]}}},
        "channels": [{"id": "email"}, {"id": "push"}],
        "slots": [{"id": "now"}, {"id": "noon"}, {"id": "evening"}],
        "variants": [
            {
                "id": f"v{i}",
                "state": "approved",
                "channels": {
                    c: {"title": f"Copy {i}", "body": f"Something nice number {i}"} for c in ("email", "push")
                },
                "offer": {"percent": 0.05 * (i % 5)},
                "features": {"tone": f"t{i % 3}"},
            }
            for i in range(variants)
        ],
        **changes,
    }
    return read(Campaign, settings)


def prepare(settings: Settings, made: Campaign, events: int = 400) -> None:
    """A data folder with the campaign and a snapshot learned from random events."""
    campaigns = open_campaigns(settings)
    campaigns.create(plain(made))
    rng = np.random.default_rng(5)
    learner = VwLearner(made.learning, made.schema)
    features = made.catalogue().features()
    drawn = []
    for _ in range(events):
        some = rng.choice(len(features), size=min(10, len(features)), replace=False)
        row = made.schema.encode(rng.normal(size=made.schema.dimension).astype(np.float32), {"tier": "a"})
        cost = -float(rng.random() < 0.1)
        drawn.append(LearningEvent(row, [features[i] for i in some], int(rng.integers(len(some))), cost, 1 / len(some)))
    learner.learn(drawn)
    clock = SystemClock()
    leases = SqliteLeases(settings.folder / "leases.db", clock)
    lease = leases.acquire(f"learner/{made.id}", "benchmark", 60.0)
    trained = Trained(learner.to_bytes(), 5_000, Positions(), datetime(2026, 1, 1, tzinfo=UTC))
    Publisher(SnapshotStore(settings.folder / "snapshots", made.id), clock).publish(made, trained, lease)
    leases.release(lease)
    leases.close()


def requests(made: Campaign, count: int, users: int, first: int = 0) -> Iterator[wire.DecideRequest]:
    """Distinct request ids; users come back now and then."""
    rng = np.random.default_rng(first)
    for i in range(first, first + count):
        message = wire.DecideRequest(
            campaign=made.id,
            user=f"customer-{int(rng.integers(users)):09d}",
            request_id=f"order-page-{i:012d}",
            embedding_bytes=rng.normal(size=made.schema.dimension).astype("<f4").tobytes(),
            consents=["email", "push"],
        )
        message.attributes["tier"].text = "ab"[i % 2]
        yield message


def write_bodies(path: Path, messages: Iterator[wire.DecideRequest]) -> None:
    """GRPC frames, back to back."""
    with path.open("wb") as file:
        for message in messages:
            data = message.SerializeToString()
            file.write(b"\x00" + struct.pack(">I", len(data)) + data)


def sample_answer(made: Campaign) -> wire.DecideResponse:
    """An answer of the usual size, for the reference server."""
    answer = wire.DecideResponse(
        decision_id="0123456789abcdef" * 2, arm="v1/email/noon", variant="v1", channel="email", slot="noon",
        propensity=0.31, mode=1, snapshot="00000001", request_id="",
    )  # fmt: skip
    answer.content.update(made.variants[1].channels["email"])
    answer.top.add(arm="v1/email/noon", probability=0.31)
    return answer


def settings_of(folder: Path, **sections: Any) -> tuple[Settings, Path]:
    """Settings of a serving process, also as a file."""
    path = folder / "armsreach.toml"
    lines = []
    for name, table in sections.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    path.write_text("\n".join(lines) + "\n")
    from engine.config import read_settings

    return replace(read_settings(path, {}), data=str(folder / "data")), path
