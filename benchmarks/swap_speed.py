"""How long a snapshot of many variants takes from Vowpal Wabbit's bytes to serving, and what requests notice of it.

    python benchmarks/swap_speed.py [--variants N] [--swaps N]

Compiling, checking and publishing are timed as the learner does them. Then a serving registry swaps snapshots in, in a
thread of its own, while the event loop of the same process decides for one shopper after the other and journals each;
the waits of requests that a swap met are compared with those of requests in the same process that none met.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import vowpalwabbit

from benchmarks.verdict import verdict
from engine.core.arm import ChannelId, SlotId, VariantId
from engine.core.campaign import Campaign
from engine.core.catalogue import Catalogue
from engine.core.context import Context
from engine.core.feature import Feature
from engine.core.keyed_hash import KeyedHash
from engine.core.learning import LearningEvent, LearningOptions
from engine.core.objective import Objective
from engine.core.placement import Channel, Slot
from engine.core.reading import plain
from engine.core.schema import Attribute, Schema
from engine.core.variant import Variant, VariantState
from engine.journal import GroupCommit, Positions, SegmentWriter
from engine.server.process import SWITCH_S, settle_memory
from engine.service.campaigns import Campaigns
from engine.service.clocks import SystemClock
from engine.service.deciding import Deciding
from engine.service.delivery import Delivery
from engine.service.learning_trained import Trained
from engine.service.outcome_memory import LocalOutcomeMemory
from engine.service.publishing import Publisher
from engine.service.registry import Registry
from engine.service.request_memory import LocalRequestMemory
from engine.service.requests import DecideRequest
from engine.store import DocumentStore, SnapshotStore, SqliteLeases
from engine.vw import VwLearner

AT = datetime(2026, 3, 1, tzinfo=UTC)


def campaign_of(variants: int) -> Campaign:
    """`variants` × 3 channels × 3 slots, 64 dimensions of the shopper and 16 of the copy."""
    rng = np.random.default_rng(1)
    channels = tuple(Channel(ChannelId(name)) for name in ("email", "push", "sms"))
    return Campaign(
        id="spring",
        channels=channels,
        slots=tuple(Slot(SlotId(name)) for name in ("morning", "noon", "evening")),
        schema=Schema(64, {"tier": Attribute("categorical", ("gold", "tin")), "member": Attribute("boolean")}),
        variants=tuple(
            Variant(
                VariantId(f"v{i}"),
                state=VariantState.APPROVED,
                channels={c.id: {"body": "Take a look at what is new this week."} for c in channels},
                category=f"c{i % 20}",
                price_band=f"p{i % 3}",
                offer={"kind": "percent", "percent": float(rng.random())},
                features={"tone": f"t{i % 4}"},
                embedding=tuple(rng.normal(size=16).tolist()),
            )
            for i in range(variants)
        ),
        objective=Objective({"click": 1.0}, low=0.0, high=1.0, typical=0.05),
        learning=LearningOptions(bits=22),
    )


def taught(campaign: Campaign, count: int) -> VwLearner:
    """A learner that has seen `count` decisions over thirty arms each."""
    rng, features = np.random.default_rng(2), campaign.catalogue().features()
    learner = VwLearner(campaign.learning, campaign.schema)
    for _ in range(count):
        eligible = rng.choice(len(features), size=30, replace=False)
        x = campaign.schema.encode(rng.normal(size=64), {"tier": "gold", "member": True})
        arms: list[tuple[Feature, ...]] = [features[i] for i in eligible]
        learner.learn([LearningEvent(x, arms, int(rng.integers(30)), float(rng.random() < 0.05), 1 / 30)])
    return learner


class Shop:
    """A data folder with one campaign, a publisher and a serving worker."""

    def __init__(self, folder: Path, campaign: Campaign) -> None:
        self.campaign = campaign
        self.campaigns = Campaigns(DocumentStore(folder / "state.db"))
        self.campaigns.create(plain(campaign))
        self.store = SnapshotStore(folder / "snapshots", campaign.id)
        self.publisher = Publisher(self.store, SystemClock())
        self.lease = SqliteLeases(folder / "leases.db", SystemClock()).acquire("learner/spring", "benchmark", 600.0)
        self.registry = Registry(self.campaigns, lambda _: self.store)
        self.registry.refresh()
        ids = campaign.catalogue().ids
        self.commits = GroupCommit(SegmentWriter(folder / "journal", "worker-0", "write", arms=lambda _: ids))
        self.delivery = Delivery(
            Deciding(KeyedHash(b"k" * 32)),
            self.registry,
            self.commits,
            SystemClock(),
            LocalRequestMemory(60.0, 100_000),
            LocalOutcomeMemory(1_000),
        )
        self.n = 0

    def publish(self, model: bytes, learned: int) -> str:
        """From bytes to a version that servers may load."""
        trained = Trained(model, learned, Positions(), AT)
        return self.publisher.publish(self.campaign, trained, self.lease, rebuilt=True).version

    async def decide(self) -> float:
        """One decision; its seconds."""
        self.n += 1
        rng = np.random.default_rng(self.n)
        request = DecideRequest(
            campaign="spring",
            user=f"u{self.n}",
            request_id=f"r{self.n}",
            context=Context(rng.normal(size=64).astype(np.float32), {"tier": "tin", "member": False}),
        )
        start = time.perf_counter()
        await self.delivery.decide(request)
        return time.perf_counter() - start


async def waits(shop: Shop, until: asyncio.Future[object], pause_s: float) -> list[float]:
    """Waits of requests, one every `pause_s` or so, until something is done."""
    found = []
    while not until.done():
        found.append(await shop.decide())
        await asyncio.sleep(pause_s)
    return found


async def serving(
    shop: Shop, models: list[tuple[bytes, int]], swaps: int
) -> tuple[list[float], list[float], list[float], list[float]]:
    """Waits without a swap, waits of requests during swaps, and the swaps' own times and CPU times."""
    cpu: list[float] = []
    quiet: list[float] = []
    met: list[float] = []
    times = []
    for i in range(swaps):
        model, learned = models[i % len(models)]
        await asyncio.to_thread(shop.publish, model, learned + i)
        rest = asyncio.ensure_future(asyncio.sleep(0.5))
        quiet += await waits(shop, rest, 0.002)
        start = time.perf_counter()
        swap = asyncio.ensure_future(asyncio.to_thread(swapped, shop))
        met += await waits(shop, swap, 0.0005)
        times.append(time.perf_counter() - start)
        cpu.append(swap.result())
    await shop.commits.close()
    return quiet, met, times, cpu


def swapped(shop: Shop) -> float:
    """Swap in what was published; the CPU seconds that took, whatever else the machine does."""
    start = time.thread_time()
    if shop.registry.refresh() != ["spring"]:
        raise SystemExit("a published snapshot was not swapped in")
    return time.thread_time() - start


def shared_kb(name: str) -> tuple[int, int]:
    """Resident and proportional kB of the mapped files whose name holds `name`."""
    rss = pss = 0
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0]:
            inside = name in line
        elif inside and line.startswith("Rss:"):
            rss += int(line.split()[1])
        elif inside and line.startswith("Pss:"):
            pss += int(line.split()[1])
    return rss, pss


def described(name: str, seconds: list[float]) -> float:
    """Print how long requests waited; their p99 in seconds."""
    p50, p99 = np.percentile(seconds, [50, 99])
    worst = max(seconds)
    print(
        f"request {name:24} p50 {1e3 * p50:.2f} ms, p99 {1e3 * p99:.2f} ms, worst {1e3 * worst:.2f} ms ({len(seconds)})"
    )
    return float(p99)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", type=int, default=1_000)
    parser.add_argument("--swaps", type=int, default=40)
    parser.add_argument(
        "--switch-ms", type=float, default=1e3 * SWITCH_S, help="how long a thread may keep the interpreter"
    )
    options = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    print(f"command: {' '.join(sys.argv)}   commit: {commit.strip() or 'unknown'}   cores: {os.cpu_count()}")
    print(f"python {platform.python_version()}, numpy {np.__version__}, vowpalwabbit {vowpalwabbit.__version__}")
    sys.setswitchinterval(options.switch_ms / 1e3)
    campaign = campaign_of(options.variants)
    catalogue: Catalogue = campaign.catalogue()
    learner = taught(campaign, 3_000)
    models = [(learner.to_bytes(), learner.learned)]
    learner.learn([LearningEvent(np.full(68, 0.1, np.float32), catalogue.features()[:30], 1, 1.0, 1 / 30)])
    models.append((learner.to_bytes(), learner.learned))
    print(f"{len(catalogue)} arms, model of {len(models[0][0]) / 1e6:.2f} MB")
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder), replace(campaign))
        publishing = []
        for model, learned in models * 2:
            start = time.perf_counter()
            shop.publish(model, learned)
            publishing.append(time.perf_counter() - start)
            shop.registry.refresh()
        settle_memory()
        quiet, met, times, cpu = asyncio.run(serving(shop, models, options.swaps))
        publish_s, swap_s = float(np.median(publishing)), float(np.median(times))
        rss, _ = shared_kb(".matrix")
    print(f"publish (compile, check, write)  median {1e3 * publish_s:.1f} ms, worst {1e3 * max(publishing):.1f} ms")
    print(f"swap                             median {1e3 * swap_s:.1f} ms, worst {1e3 * max(times):.1f} ms")
    print(f"CPU of a swap                    median {1e3 * np.median(cpu):.2f} ms")
    print(f"mapped matrices in this process  {rss / 1024:.1f} MB, shared by all workers of a host")
    p99 = described("without a swap", quiet)
    described("during a swap", met)
    verdict("publish_and_swap_s", max(publishing) + max(times), 1.0, "wall_clock_worst", at_most=True)
    verdict("swap_worst_wait_over_p99", max(met) / p99, 1.0, "p99_without_swap", at_most=True)


if __name__ == "__main__":
    main()
