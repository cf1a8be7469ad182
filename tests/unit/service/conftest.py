"""A campaign with rules and a learned model, and a log that fails or waits as told; no files, no clock, no network."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.campaign import Campaign
from engine.core.compiled import CompiledModel
from engine.core.context import Context
from engine.core.keyed_hash import KeyedHash
from engine.core.reading import read
from engine.journal import Added, Position
from engine.service.clocks import ClientClock
from engine.service.deciding import Deciding
from engine.service.delivery import Delivery
from engine.service.outcome_memory import OutcomeMemory
from engine.service.request_memory import LocalRequestMemory
from engine.service.requests import DecideRequest
from engine.service.serving import Serving
from engine.store.manifest import Manifest
from engine.store.snapshot import Snapshot

START = datetime(2026, 5, 1, tzinfo=UTC)


class HeldLog:
    """A durable log in memory. Closing `gate` holds writes back; `failing` makes them fail."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failing = False
        self.writes = 0

    def add(self, records: Sequence[Any], at: datetime) -> Added:
        self.writes += 1
        durable = asyncio.ensure_future(self._write(records))
        start = Position("w", 1, 0)
        return Added(start, [Position("w", 1, i + 1) for i in range(len(records))], durable)

    async def _write(self, records: Sequence[Any]) -> None:
        await self.gate.wait()
        if self.failing:
            raise OSError("disk full")
        self.records += records


def campaign_of(**changes: Any) -> Campaign:
    channels = {name: {"text": name} for name in ("email", "push", "sms")}
    settings: dict[str, Any] = {
        "id": "promo",
        "schema": {
            "dimension": 3,
            "attributes": {"segment": {"kind": "categorical", "vocabulary": ["new", "old"]}},
        },
        "channels": [{"id": "email"}, {"id": "push"}, {"id": "sms", "needs_consent": True}],
        "slots": [{"id": "now"}, {"id": "evening"}],
        "variants": [
            {"id": "a", "state": "approved", "channels": channels},
            {"id": "b", "state": "approved", "channels": channels, "audience": {"segment": ["new"]}},
            {"id": "c", "state": "draft", "channels": channels},
        ],
        "shares": {"control": 0.2, "holdout": 0.1},
        **changes,
    }
    return read(Campaign, settings)


def snapshot_of(campaign: Campaign, seed: int = 5) -> Snapshot:
    """A learned model with weights at random: user × variant, user × channel and all linear terms."""
    generator = np.random.default_rng(seed)
    columns = campaign.schema.user_columns
    features: dict[str, tuple[str, ...]] = {}
    for arm in campaign.catalogue().features():
        for feature in arm:
            known = features.get(feature.namespace, ())
            features[feature.namespace] = known if feature.key in known else (*known, feature.key)

    def weights(*shape: int) -> np.ndarray:
        return generator.normal(scale=0.02, size=shape).astype(np.float32)

    model = CompiledModel(
        columns=columns,
        features=features,
        constant=-0.01,
        user=weights(len(columns)),
        linear={letter: weights(len(keys)) for letter, keys in features.items()},
        rows={letter: weights(len(features[letter]), len(columns)) for letter in "VC"},
        products={},
        product_rows={},
    )
    exploration = {"spread": campaign.objective.spread, "gamma_scale": 10.0}
    manifest = Manifest(
        version="00000001", parent="", epoch=1, campaign=campaign.id, positions={}, watermark=None, horizon_s={},
        vw={}, feature_schema={}, catalogue=campaign.catalogue().digest, objective={}, exploration=exploration,
        floor={}, learned=400, created_at=START,
    )  # fmt: skip
    return Snapshot(manifest, model.to_bytes(), Path("nowhere"))


@pytest.fixture
def make_campaign() -> Callable[..., Campaign]:
    return campaign_of


@pytest.fixture
def make_serving() -> Callable[..., Serving]:
    def make(*, learned: bool = True, **changes: Any) -> Serving:
        campaign = campaign_of(**changes)
        return Serving(campaign, 1, snapshot_of(campaign) if learned else None)

    return make


@pytest.fixture
def deciding() -> Deciding:
    return Deciding(KeyedHash(b"0123456789abcdef"))


@pytest.fixture
def make_requests() -> Callable[[int], list[DecideRequest]]:
    def make(count: int) -> list[DecideRequest]:
        generator = np.random.default_rng(3)
        return [
            DecideRequest(
                campaign="promo",
                user=f"user-{i}",
                context=Context(
                    generator.normal(size=3).astype(np.float32),
                    {"segment": ("new", "old", "other")[i % 3]},
                    frozenset({"sms"}) if i % 2 else frozenset(),  # type: ignore[arg-type]
                ),
                request_id=f"request-{i}",
                at=START,
            )
            for i in range(count)
        ]

    return make


@pytest.fixture
def log() -> HeldLog:
    return HeldLog()


@pytest.fixture
def make_delivery(deciding: Deciding, log: HeldLog, make_serving: Callable[..., Serving]) -> Callable[..., Delivery]:
    def make(*, ttl_s: float = 900.0, capacity: int = 10_000, **changes: Any) -> Delivery:
        servings = {"promo": make_serving(**changes)}
        memory, outcomes = LocalRequestMemory(ttl_s, capacity), OutcomeMemory(capacity)
        return Delivery(deciding, servings, log, ClientClock(START), memory, outcomes)

    return make
