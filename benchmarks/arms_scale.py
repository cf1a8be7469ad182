"""What a decision costs as the catalogue grows from 10 to 10,000 arms: time by part, and bytes in the journal.

    python benchmarks/arms_scale.py [--profile ARMS]

Each decision goes through the service, its record through a real segment writer. The parts that grow with the arms are
timed apart. The slope is that of a straight line through the figures from 100 arms on; `fit` says how far from
straight they are: the largest ratio between a figure and the line, either way.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import platform
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.verdict import verdict
from engine.core.arm import ChannelId, SlotId, VariantId
from engine.core.campaign import Campaign
from engine.core.compiled import CompiledModel
from engine.core.context import Context
from engine.core.decision import Decision
from engine.core.drawing import draw, quantise
from engine.core.keyed_hash import KeyedHash
from engine.core.objective import Objective
from engine.core.placement import Channel, Slot
from engine.core.rules.rule import Inquiry
from engine.core.schema import Attribute, Schema
from engine.core.variant import Variant, VariantState
from engine.journal import GroupCommit, SegmentWriter, decode
from engine.journal.record import encode_many
from engine.service.clocks import SystemClock
from engine.service.deciding import Deciding
from engine.service.delivery import Delivery
from engine.service.outcome_memory import OutcomeMemory
from engine.service.request_memory import LocalRequestMemory
from engine.service.requests import DecideRequest
from engine.service.serving import Serving
from engine.store import Manifest
from engine.store.snapshot import Snapshot

AT = datetime(2026, 3, 1, tzinfo=UTC)
SIZES = (10, 30, 100, 300, 1_000, 3_000, 10_000)
DIMENSION = 64


def campaign_of(arms: int) -> Campaign:
    """About `arms` arms: hold, and variants on two channels in one slot; one in ten is a draft."""
    rng = np.random.default_rng(1)
    channels = (Channel(ChannelId("email")), Channel(ChannelId("sms"), needs_consent=True))
    return Campaign(
        id="spring",
        channels=channels,
        slots=(Slot(SlotId("now")),),
        schema=Schema(DIMENSION, {"tier": Attribute("categorical", ("gold", "tin"))}),
        variants=tuple(
            Variant(
                VariantId(f"v{i}"),
                state=VariantState.DRAFT if i % 10 == 9 else VariantState.APPROVED,
                channels={c.id: {"body": "x"} for c in channels},
                offer={"percent": float(rng.random())},
            )
            for i in range(arms // 2)
        ),
        objective=Objective({"click": 1.0}, low=0.0, high=1.0, typical=0.05),
    )


def snapshot_of(campaign: Campaign) -> Snapshot:
    """A model with weights at random: user × variant and user × channel."""
    rng = np.random.default_rng(2)
    keys: dict[str, dict[str, None]] = {}
    for arm in campaign.catalogue().features():
        for feature in arm:
            keys.setdefault(feature.namespace, {})[feature.key] = None
    features = {letter: tuple(found) for letter, found in keys.items()}
    d = len(campaign.schema.user_columns)

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(scale=0.02, size=shape).astype(np.float32)

    model = CompiledModel(
        columns=campaign.schema.user_columns,
        features=features,
        constant=0.9,
        user=weights(d),
        linear={letter: weights(len(names)) for letter, names in features.items()},
        rows={letter: weights(len(features[letter]), d) for letter in "VC"},
        products={},
        product_rows={},
    )
    manifest = Manifest(
        version="00000001",
        parent="",
        epoch=1,
        campaign=campaign.id,
        positions={},
        watermark=None,
        horizon_s={},
        vw={"version": "", "options": []},
        feature_schema={},
        catalogue=campaign.catalogue().digest,
        objective={},
        exploration={"spread": 0.05},
        floor={},
        learned=5_000,
        created_at=AT,
    )
    return Snapshot(manifest, model.to_bytes(), Path("nowhere"))


def best_us(work: Callable[[], object], repeats: int) -> float:
    """Least of five means, in µs."""
    means = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(repeats):
            work()
        means.append((time.perf_counter() - start) / repeats * 1e6)
    return min(means)


def request(serving: Serving, n: int) -> DecideRequest:
    """A shopper; half of them agreed to the channel that needs it."""
    rng = np.random.default_rng(n)
    consents = frozenset({ChannelId("sms")}) if n % 2 else None
    context = Context(rng.normal(size=DIMENSION).astype(np.float32), {"tier": "gold"}, consents)
    return DecideRequest(campaign=serving.campaign.id, user=f"u{n}", request_id=f"r{n}", context=context)


def parts(serving: Serving, repeats: int) -> dict[str, float]:
    """µs of each part of a decision that grows with the arms."""
    asked = request(serving, 1)
    row = serving.campaign.schema.encode(asked.context.embedding, asked.context.attributes)[None, :]
    inquiry = Inquiry(asked.context, AT)
    eligible = serving.eligibility.of(inquiry)
    mask = eligible.mask[None, :]
    if serving.policy is None or serving.matrix is None:
        raise SystemExit("expected a model")
    policy, matrix = serving.policy, serving.matrix
    probabilities = policy.probabilities(row, mask)
    counts = quantise(probabilities)
    deciding = Deciding(KeyedHash(b"k" * 32))
    decision = deciding.decide(serving, [asked], [AT])[0]
    ids = serving.catalogue.ids
    block = deciding.decide(serving, [asked], [AT])
    (data,) = encode_many(block, AT)
    back = decode(data, lambda _: ids).record
    if not isinstance(back, Decision) or (back.id, back.arm, back.eligible) != (
        decision.id,
        decision.arm,
        decision.eligible,
    ):
        raise SystemExit("a record did not come back as it was")
    return {
        "rules": best_us(lambda: serving.eligibility.of(inquiry), repeats),
        "scores": best_us(lambda: matrix.costs(row), repeats),
        "policy": best_us(lambda: policy.probabilities(row, mask), repeats),
        "quantise": best_us(lambda: quantise(probabilities), repeats),
        "draw": best_us(lambda: draw(counts, np.array([1 << 62])), repeats),
        "encode": best_us(lambda: encode_many(block, AT), repeats),
        "decode": best_us(lambda: decode(data, lambda _: ids), max(repeats // 4, 2)),
        "bytes": float(len(data)),
    }


async def decide(serving: Serving, folder: Path, count: int, profile: cProfile.Profile | None = None) -> float:
    """µs a decision through the service, one after the other, in a journal that need not survive a power cut."""
    ids = serving.catalogue.ids
    commits = GroupCommit(SegmentWriter(folder, "worker-0", "write", arms=lambda _: ids))
    memory = LocalRequestMemory(60.0, 1_000_000)
    delivery = Delivery(
        Deciding(KeyedHash(b"k" * 32)), {"spring": serving}, commits, SystemClock(), memory, OutcomeMemory(1_000)
    )
    requests = [request(serving, n) for n in range(count)]
    for asked in requests[:10]:
        await delivery.decide(asked)
    if profile:
        profile.enable()
    means = []
    for begin in range(10, count, (count - 10) // 5):
        block = requests[begin : begin + (count - 10) // 5]
        start = time.perf_counter()
        for asked in block:
            await delivery.decide(asked)
        means.append((time.perf_counter() - start) / len(block) * 1e6)
    if profile:
        profile.disable()
    await commits.close()
    return min(means)


def serving_of(arms: int) -> Serving:
    campaign = campaign_of(arms)
    return Serving(campaign, 1, snapshot_of(campaign))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", type=int, default=0, help="print where the time goes at so many arms, and stop")
    options = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    print(f"command: {' '.join(sys.argv)}   commit: {commit.strip() or 'unknown'}   cores: {os.cpu_count()}")
    print(f"python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}")
    if options.profile:
        profile = cProfile.Profile()
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(decide(serving_of(options.profile), Path(folder), 1_000, profile))
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    whole, size, table = [], [], []
    for arms in SIZES:
        serving = serving_of(arms)
        found = parts(serving, 2_000 if arms <= 1_000 else 200)
        with tempfile.TemporaryDirectory() as folder:
            total = asyncio.run(decide(serving, Path(folder), 1_510 if arms <= 1_000 else 510))
        if not table:
            print("".join(f"{name:>10}" for name in ("arms", "decide", *found)) + "   (µs, bytes)")
        print("".join(f"{value:>10.0f}" for value in (len(serving.catalogue), total, *found.values())), flush=True)
        table.append(found)
        whole.append(total)
        size.append(len(serving.catalogue))
    x, y = np.array(size[2:]), np.array(whole[2:])
    slope, start = np.polyfit(x, y, 1, w=1 / y)
    off = float(np.max(np.maximum(y / (slope * x + start), (slope * x + start) / y)))
    print(f"decide = {start:.0f} µs + {1e3 * slope:.1f} ns an arm")
    costs = np.polyfit(x, [found["scores"] for found in table[2:]], 1)[0]
    verdict("arms_fit", off, 1.25, "straight_line", at_most=True)
    verdict("arms_slope_over_scoring", slope / costs, 8.0, "scores_of_an_arm", at_most=True)
    verdict("arms_10000_record_bytes", table[-1]["bytes"], 6_000, "40000_bytes_of_probabilities", at_most=True)


if __name__ == "__main__":
    main()
