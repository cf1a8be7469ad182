"""A published snapshot, replayed: it must say what the server says, and never be judged on what it was told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.arm import ChannelId, SlotId, VariantId
from engine.core.campaign import Campaign
from engine.core.compiled import CompiledModel
from engine.core.errors import CorruptState, InvalidInput, NotFound
from engine.core.exploration import ExplorationOptions
from engine.core.placement import Channel, Slot
from engine.core.reading import plain
from engine.core.schema import Attribute, Schema
from engine.core.variant import Variant, VariantState
from engine.service.serving import Serving
from engine.store import Manifest, SnapshotStore
from simulator import Log, LogBuilder, ReplaySettings, evaluate
from simulator.policies import SnapshotPolicy

WATERMARK = datetime(2025, 3, 10, tzinfo=UTC)


def variant(name: str, tone: str) -> Variant:
    return Variant(
        id=VariantId(name),
        state=VariantState.APPROVED,
        channels={ChannelId("email"): {"body": name}, ChannelId("push"): {"body": name}},
        features={"tone": tone},
        offer={"percent": 0.2},
        embedding=(0.5, -0.25),
    )


CAMPAIGN = Campaign(
    id="spring",
    schema=Schema(dimension=2, attributes={"region": Attribute("categorical", vocabulary=("north", "south"))}),
    channels=(Channel(ChannelId("email")), Channel(ChannelId("push"))),
    slots=(Slot(SlotId("am")),),
    variants=(variant("sun", "warm"), variant("snow", "dry")),
    exploration=ExplorationOptions(kind="softmax", lambda_=2.0),
)


def compiled() -> CompiledModel:
    """Random tables over the campaign's own features, with user × variant rows."""
    random = np.random.default_rng(5)
    columns = CAMPAIGN.schema.user_columns
    features: dict[str, list[str]] = {letter: [] for letter in "VCSOE"}
    for arm in CAMPAIGN.catalogue().features():
        for feature in arm:
            if feature.key not in features[feature.namespace]:
                features[feature.namespace].append(feature.key)

    def table(*shape: int) -> np.ndarray:
        return random.normal(0, 0.02, shape).astype(np.float32)

    return CompiledModel(
        columns=columns,
        features={letter: tuple(keys) for letter, keys in features.items()},
        constant=0.9,
        user=table(len(columns)),
        linear={letter: table(len(keys)) for letter, keys in features.items()},
        rows={"V": table(len(features["V"]), len(columns)), "C": table(len(features["C"]), len(columns))},
        products={},
        product_rows={},
    )


def published(folder: Path, watermark: datetime | None = WATERMARK) -> SnapshotStore:
    store = SnapshotStore(folder, CAMPAIGN.id)
    store.publish(
        Manifest(
            version="",
            parent="",
            epoch=0,
            campaign=CAMPAIGN.id,
            positions={},
            watermark=watermark,
            horizon_s={"training": 86_400.0},
            vw={"version": "9.11.9", "options": []},
            feature_schema=plain(CAMPAIGN.schema),
            catalogue=CAMPAIGN.catalogue().digest,
            objective=plain(CAMPAIGN.objective),
            exploration={**plain(CAMPAIGN.exploration), "t": 500, "spread": CAMPAIGN.objective.spread, "gamma": None},
            floor=plain(CAMPAIGN.exploration.floor),
            learned=500,
            created_at=WATERMARK,
        ),
        b"model",
        compiled().to_bytes(),
    )
    return store


def described(named: bool) -> dict[str, dict[str, Any]]:
    catalogue = CAMPAIGN.catalogue()
    arms = {}
    for arm, features in zip(catalogue.arms, catalogue.features(), strict=True):
        if arm is not None:
            facts: dict[str, Any] = {feature.key: feature.value for feature in features} if named else {"tone": "warm"}
            arms[str(arm.id)] = {"variant": arm.variant, "channel": arm.channel, "slot": arm.slot, "features": facts}
    return arms


def log_of(days: int, named: bool = True, **change: Any) -> Log:
    builder = LogBuilder("memory")
    ids = [str(arm) for arm in CAMPAIGN.catalogue().ids]
    random = np.random.default_rng(0)
    for n in range(40):
        # Some rows have fewer eligible arms, and their order is not the catalogue's.
        eligible = ["hold", *sorted(ids[1:], reverse=True)[: 1 + n % 4]]
        record = {
            "decision_id": f"d{n}",
            "user": f"u{n}",
            "arm": eligible[n % len(eligible)],
            "propensity": 1 / len(eligible),
            "eligible": eligible,
            "decided_at": f"2025-03-{1 + n % days:02d}T12:00:00Z",
            "context": {"region": ["north", "south"][n % 2], "elsewhere": n},
            "embedding": random.normal(size=2).astype(np.float32).tolist(),
            "outcomes": [{"type": "click"}] * (n % 3 == 0),
            "arms": described(named) if n == 0 else None,
        }
        builder.append({**record, **change}, n + 1)
    return builder.build()


def test_it_says_what_the_server_says(tmp_path: Path) -> None:
    store = published(tmp_path)
    current = store.current()
    assert current is not None
    serving = Serving(CAMPAIGN, 1, store.load(current.version))
    assert serving.policy is not None
    log = log_of(28)
    answer = SnapshotPolicy(str(tmp_path / "spring")).answer(log)
    for row in range(log.rows):
        start, end = log.offsets[row], log.offsets[row + 1]
        columns = [serving.catalogue.index(log.arms[code]) for code in log.eligible[start:end]]
        mask = np.zeros((1, len(serving.catalogue)), dtype=bool)
        mask[0, columns] = True
        assert log.embedding is not None
        encoded = CAMPAIGN.schema.encode(log.embedding[row], {"region": log.context["region"][row]})
        expected = serving.policy.probabilities(encoded[None], mask)[0, columns]
        assert answer.probabilities[start:end] == pytest.approx(expected, abs=1e-12)
    by_version = SnapshotPolicy(str(tmp_path / "spring" / current.version)).answer(log)
    assert by_version.probabilities.tolist() == answer.probabilities.tolist()


def test_it_is_judged_after_its_watermark_only(tmp_path: Path) -> None:
    published(tmp_path)
    log = log_of(28)
    judged = SnapshotPolicy(str(tmp_path / "spring")).judges(log)
    days = 1 + np.arange(40) % 28
    assert judged.tolist() == (days >= 10).tolist()
    report = evaluate(log, policies=[f"snapshot:{tmp_path}/spring"], settings=ReplaySettings(resamples=100))
    assert any(note.startswith("the snapshot is judged on the") for note in report.notes)


def test_it_is_refused_on_rows_it_was_trained_on(tmp_path: Path) -> None:
    published(tmp_path)
    report = evaluate(
        log_of(9), policies=[f"snapshot:{tmp_path}/spring"], settings=ReplaySettings(resamples=100)
    ).policies[0]
    assert report.verdict.name == "refused"
    assert report.verdict.reasons[0] == "trained_on_these_rows"
    for estimate in report.metrics["ctr"].estimates.values():
        assert (estimate.value, estimate.reason) == (None, "trained_on_these_rows")


def test_rows_without_a_time_may_not_judge(tmp_path: Path) -> None:
    published(tmp_path)
    assert not SnapshotPolicy(str(tmp_path / "spring")).judges(log_of(28, decided_at=None)).any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"context": {"region": 3}}, "does not fit the snapshot's schema"),
        ({"embedding": [1.0]}, "does not fit the snapshot's schema"),
    ],
)
def test_foreign_contexts_are_refused(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    published(tmp_path)
    with pytest.raises(InvalidInput, match=words):
        SnapshotPolicy(str(tmp_path / "spring")).answer(log_of(28, **change))


def test_foreign_logs_and_damage_are_refused(tmp_path: Path) -> None:
    store = published(tmp_path)
    policy = SnapshotPolicy(str(tmp_path / "spring"))
    log = log_of(28)
    strangers = dataclasses.replace(
        log, arms=tuple(f"x{n}" if arm != "hold" else arm for n, arm in enumerate(log.arms))
    )
    with pytest.raises(InvalidInput, match="features that the snapshot knows"):
        policy.answer(dataclasses.replace(strangers, catalogue={}))
    with pytest.raises(InvalidInput, match="hold"):
        policy.answer(dataclasses.replace(log, arms=tuple(arm.replace("hold", "rest") for arm in log.arms)))
    with pytest.raises(NotFound):
        SnapshotPolicy(str(tmp_path / "summer")).answer(log)
    version = store.versions()[0]
    (tmp_path / "spring" / version / "compiled.npz").write_bytes(b"torn")
    with pytest.raises(CorruptState):
        SnapshotPolicy(str(tmp_path / "spring")).answer(log)


def test_plain_facts_are_features_too(tmp_path: Path) -> None:
    """A log made elsewhere describes arms by plain facts; ids, channel and slot are then features as well."""
    published(tmp_path)
    answer = SnapshotPolicy(str(tmp_path / "spring")).answer(log_of(28, named=False))
    sums: Callable[[np.ndarray], np.ndarray] = log_of(28).row_sums
    assert sums(answer.probabilities) == pytest.approx(np.ones(40))
