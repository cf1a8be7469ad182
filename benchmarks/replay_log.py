"""A large decision log and snapshots to replay on it, written piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from engine.core.arm import ChannelId, SlotId, VariantId
from engine.core.campaign import Campaign
from engine.core.compiled import CompiledModel
from engine.core.exploration import ExplorationOptions
from engine.core.placement import Channel, Slot
from engine.core.reading import plain
from engine.core.schema import Attribute, Schema
from engine.core.variant import Variant, VariantState
from engine.store import Manifest, SnapshotStore

DIMENSIONS, VARIANTS = 64, 29
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PIECE = 20_000
SEGMENTS = ("new", "regular", "vip")
EXPLORATIONS = {
    "softmax": ExplorationOptions(kind="softmax", lambda_=1.0),
    "softmax3": ExplorationOptions(kind="softmax", lambda_=3.0),
    "epsilon": ExplorationOptions(kind="epsilon_greedy", epsilon=0.5),
    "squarecb": ExplorationOptions(kind="squarecb", gamma_scale=0.05),
}


def campaign() -> Campaign:
    """29 variants on one channel in one slot, and hold: 30 arms; 64 dimensions and two attributes."""
    channel = ChannelId("email")
    return Campaign(
        id="bench",
        schema=Schema(
            DIMENSIONS, {"segment": Attribute("categorical", vocabulary=SEGMENTS), "app": Attribute("boolean")}
        ),
        channels=(Channel(channel),),
        slots=(Slot(SlotId("evening")),),
        variants=tuple(
            Variant(
                id=VariantId(f"copy-{number:02d}"),
                state=VariantState.APPROVED,
                channels={channel: {"body": "x"}},
                features={"tone": f"t{number % 4}"},
            )
            for number in range(VARIANTS)
        ),
    )


def publish(folder: Path) -> dict[str, str]:
    """Publish one compiled model under four exploration rules; returns SPEC by name."""
    rng, own = np.random.default_rng(1), campaign()
    keys: dict[str, dict[str, None]] = {letter: {} for letter in "VCSOE"}
    for arm in own.catalogue().features():
        for feature in arm:
            keys[feature.namespace].setdefault(feature.key)
    columns = own.schema.user_columns

    def table(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.02, shape).astype(np.float32)

    model = CompiledModel(
        columns=columns,
        features={letter: tuple(found) for letter, found in keys.items()},
        constant=0.9,
        user=table(len(columns)),
        linear={letter: table(len(found)) for letter, found in keys.items()},
        rows={"V": table(len(keys["V"]), len(columns))},
        products={},
        product_rows={},
    )
    specs = {}
    for name, exploration in EXPLORATIONS.items():
        store = SnapshotStore(folder / name, own.id)
        store.publish(
            Manifest(
                version="",
                parent="",
                epoch=0,
                campaign=own.id,
                positions={},
                watermark=BEGIN - timedelta(days=1),
                horizon_s={"training": 86_400.0},
                vw={"version": "9.11.9", "options": []},
                feature_schema=plain(own.schema),
                catalogue=own.catalogue().digest,
                objective=plain(own.objective),
                exploration={**plain(exploration), "t": 500, "spread": own.objective.spread, "gamma": None},
                floor=plain(exploration.floor),
                learned=500,
                created_at=BEGIN,
            ),
            b"model",
            model.to_bytes(),
        )
        specs[name] = f"snapshot:{folder / name / own.id}"
    return specs


def write(folder: Path, rows: int, *, parquet: bool) -> Path:
    """Write the log unless it is there already; three decisions a user on average, 5 % clicks."""
    path = folder / f"log-{rows}.{'parquet' if parquet else 'jsonl'}"
    if path.exists():
        return path
    part = path.with_suffix(".part")
    if parquet:
        _write_parquet(part, rows)
    else:
        with part.open("wb") as file:
            for records in _pieces(rows):
                file.write(b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records))
    catalogue = campaign().catalogue()
    arms = {
        str(arm.id): {
            "variant": arm.variant,
            "channel": arm.channel,
            "slot": arm.slot,
            "features": {feature.key: feature.value for feature in features},
        }
        for arm, features in zip(catalogue.arms, catalogue.features(), strict=True)
        if arm is not None
    }
    Path(f"{path}.catalogue.json").write_bytes(orjson.dumps(arms))
    part.replace(path)
    return path


def _write_parquet(path: Path, rows: int) -> None:
    schema = pa.schema(
        [
            ("schema", pa.string()),
            ("decision_id", pa.string()),
            ("decided_at", pa.string()),
            ("user", pa.string()),
            ("mode", pa.string()),
            ("context", pa.struct([("segment", pa.string()), ("days", pa.float64()), ("app", pa.bool_())])),
            ("embedding", pa.list_(pa.float32())),
            ("eligible", pa.list_(pa.string())),
            ("arm", pa.string()),
            ("propensity", pa.float64()),
            ("probabilities", pa.list_(pa.float64())),
            ("snapshot", pa.string()),
            ("outcomes", pa.list_(pa.struct([("type", pa.string()), ("value", pa.float64()), ("at", pa.string())]))),
        ]
    )
    with pq.ParquetWriter(path, schema) as writer:
        for records in _pieces(rows):
            writer.write_table(pa.Table.from_pylist(records, schema=schema))


def _pieces(rows: int) -> Iterator[list[dict[str, object]]]:
    ids = [str(arm) for arm in campaign().catalogue().ids]
    k = len(ids)
    for start in range(0, rows, PIECE):
        rng = np.random.default_rng((7, start))
        n = min(PIECE, rows - start)
        x = rng.normal(size=(n, DIMENSIONS)).astype(np.float32)
        # Float32 as the journal keeps it, and probabilities as multiples of 2⁻²⁴.
        score = np.exp(x[:, :k] * 0.3)
        cut = np.floor(score / score.sum(axis=1, keepdims=True) * (2**24 - k)) + 1
        cut[:, 0] += 2**24 - cut.sum(axis=1)
        p = cut / 2**24
        arm = np.minimum((rng.random(n)[:, None] > np.cumsum(p, axis=1)).sum(axis=1), k - 1)
        click = rng.random(n) < 0.03 + 0.04 * (arm % 3 == 0)
        user = rng.integers(rows // 3 + 1, size=n)
        segment, days, app = rng.integers(3, size=n), rng.integers(60, size=n), rng.random(n) < 0.5
        records: list[dict[str, object]] = []
        embeddings, probabilities = x.tolist(), p.tolist()
        for row in range(n):
            at = BEGIN + timedelta(seconds=start + row)
            records.append(
                {
                    "schema": "armsreach.decision.v1",
                    "decision_id": f"{start + row:016x}",
                    "decided_at": at.isoformat(),
                    "user": f"u{user[row]}",
                    "mode": "live",
                    "context": {"segment": SEGMENTS[segment[row]], "days": float(days[row]), "app": bool(app[row])},
                    "embedding": embeddings[row],
                    "eligible": ids,
                    "arm": ids[arm[row]],
                    "propensity": probabilities[row][arm[row]],
                    "probabilities": probabilities[row],
                    "snapshot": "00000001",
                    "outcomes": [{"type": "click", "value": 1.0, "at": (at + timedelta(minutes=5)).isoformat()}]
                    if click[row]
                    else [],
                }
            )
        yield records


def with_rule(kind: str) -> Campaign:
    """The campaign under one of the exploration rules."""
    return replace(campaign(), exploration=EXPLORATIONS[kind])
