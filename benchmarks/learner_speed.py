"""How fast the learner's process turns a journal into a model, beside bare Vowpal Wabbit on the same events.

    python benchmarks/learner_speed.py [--decisions N] [--rounds N] [--profile]

The whole path is timed: read and check records, join them with outcomes, look arms up, write examples, learn, save,
publish; in one process, and as `learn` runs it, with Vowpal Wabbit in a process beside it. The references learn the
same events in the same order from what was made ready beforehand: from text (`Workspace.learn(list of str)`, which
parses it) and from parsed examples (`Workspace.learn(list of Example)`, the floor below which no learner that uses
Vowpal Wabbit can come). Rounds alternate, and the median ratio counts.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import os
import platform
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import vowpalwabbit

from benchmarks.verdict import verdict
from engine.core.arm import ChannelId, SlotId, VariantId
from engine.core.campaign import Campaign, Publishing
from engine.core.clock import Clock
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.drawing import draw, quantise
from engine.core.join import Joiner
from engine.core.joined_decision import JoinedDecision
from engine.core.learning import LearningOptions
from engine.core.objective import Objective
from engine.core.outcome import Outcome, OutcomeType
from engine.core.placement import Channel, Slot
from engine.core.schema import Attribute, Schema
from engine.core.variant import Variant, VariantState
from engine.journal import JournalReader, Mark, Position, SegmentWriter
from engine.service.clocks import SystemClock
from engine.service.learning import Learning
from engine.service.learning_events import EventMaker
from engine.service.learning_settings import horizons
from engine.store import SnapshotStore, SqliteLeases
from engine.vw import ExampleWriter, vw_arguments

START = datetime(2026, 3, 1, tzinfo=UTC)
USERS = 5_000


def campaign_of(save_every: int, publish_every: int) -> Campaign:
    """30 arms, 64 dimensions of the shopper and 8 of the copy, three attributes, the default interactions."""
    rng = np.random.default_rng(7)
    variants = tuple(
        Variant(
            VariantId(f"v{i}"),
            state=VariantState.APPROVED,
            channels={ChannelId("email"): {"body": "x"}, ChannelId("push"): {"body": "x"}},
            category=f"c{i % 3}",
            price_band=f"p{i % 2}",
            offer={"kind": "percent", "percent": 0.05 * i},
            features={"tone": f"t{i % 4}"},
            embedding=tuple(rng.normal(size=8).tolist()),
        )
        for i in range(8)
    )
    return Campaign(
        id="spring",
        channels=(Channel(ChannelId("email")), Channel(ChannelId("push"))),
        slots=(Slot(SlotId("now")), Slot(SlotId("evening"), delay_s=60.0)),
        schema=Schema(
            64,
            {
                "city": Attribute("categorical", ("Hangzhou", "Suzhou")),
                "age": Attribute("number", low=0.0, high=100.0),
                "member": Attribute("boolean"),
            },
        ),
        variants=variants,
        objective=Objective({"click": 1.0, "purchase": 0.1, "refund": -0.1}, low=-1.0, high=3.0, typical=0.1),
        learning=LearningOptions(save_every=save_every),
        windows_s=dict.fromkeys(OutcomeType, 300.0),
        publishing=Publishing(every_decisions=publish_every),
    )


def write_journal(folder: Path, campaign: Campaign, count: int) -> None:
    """Decisions of two workers, one in a second; every twentieth is clicked, and a mark closes the books."""
    rng = np.random.default_rng(11)
    catalogue = campaign.catalogue()
    writers = [SegmentWriter(folder, f"worker-{i}", "write") for i in range(2)]
    for n in range(count):
        columns = np.array([0, *sorted(rng.choice(np.arange(1, len(catalogue)), size=29, replace=False))])
        weights = rng.random(30) + 0.2
        counts = quantise((weights / weights.sum())[None, :])
        seed = int(rng.integers(1 << 63))
        at = int(draw(counts, np.array([seed]))[0])
        decided_at = START + timedelta(seconds=n)
        decision = Decision(
            id=hashlib.blake2b(str(n).encode(), digest_size=16).hexdigest(),
            campaign=campaign.id,
            user=f"u{rng.integers(USERS)}",
            decided_at=decided_at,
            arm=catalogue.ids[columns[at]],
            eligible=tuple(catalogue.ids[i] for i in columns),
            counts=counts[0].astype(np.uint32),
            chosen_count=int(counts[0, at]),
            seed=seed,
            context=Context(
                rng.normal(size=64).astype(np.float32),
                {"city": "Hangzhou", "age": float(rng.integers(18, 80)), "member": bool(rng.random() < 0.5)},
            ),
            mode=Mode.LIVE,
            catalogue=catalogue.digest,
            policy="squarecb(30,0.5)",
            excluded={catalogue.ids[i]: "no_consent" for i in range(1, len(catalogue)) if i not in columns},
        )
        writer = writers[n % 2]
        writer.append(decision, decided_at)
        if rng.random() < 0.05:
            click = Outcome(f"o{n}", campaign.id, OutcomeType.CLICK, decided_at, decision_id=decision.id)
            writer.append(click, decided_at + timedelta(milliseconds=500))
        if n % 1000 == 999:
            for each in writers:
                each.commit()
    for writer in writers:
        writer.append(Mark(closed=True), START + timedelta(seconds=count + 3600))
        writer.close()


def learning(folder: Path, journal: Path, campaign: Campaign, *, apart: bool) -> Learning:
    """A learner over the journal, with a folder of its own."""
    clock: Clock = SystemClock()
    catalogue = campaign.catalogue()
    return Learning(
        campaign=campaign,
        reader=JournalReader(journal),
        catalogues=lambda _: catalogue,
        snapshots=SnapshotStore(folder / "snapshots", campaign.id),
        leases=SqliteLeases(folder / "leases.db", clock),
        folder=folder / "learner",
        clock=clock,
        holder="benchmark",
        apart=apart,
    )


def joined(journal: Path, campaign: Campaign) -> Iterator[JoinedDecision[Position]]:
    """What matures, in training order."""
    wait = timedelta(seconds=campaign.training_horizon_s)
    joiner: Joiner[Position] = Joiner(horizons(campaign), campaign.attribution, wait)
    reader = JournalReader(journal)
    for position, entry in reader.read():
        record = entry.record
        joiner.feed(position, entry.recorded_at, record if isinstance(record, Decision | Outcome) else None)
    watermark = reader.watermark()
    if watermark is None:
        raise SystemExit("the journal has no watermark")
    for item in joiner.advance(watermark):
        if isinstance(item, JoinedDecision):
            yield item


def texts(journal: Path, campaign: Campaign) -> list[list[str]]:
    """The examples of the whole journal, as text."""
    catalogue = campaign.catalogue()
    maker, writer = EventMaker(campaign, lambda _: catalogue), ExampleWriter(campaign.schema)
    return [writer.labelled(maker.event(item)) for item in joined(journal, campaign)]


def from_text(campaign: Campaign, lines: list[list[str]]) -> float:
    """Seconds of `Workspace.learn` on lists of text."""
    native = vowpalwabbit.Workspace(arg_list=vw_arguments(campaign.learning))
    start = time.perf_counter()
    for example in lines:
        native.learn(example)
    elapsed = time.perf_counter() - start
    native.finish()
    return elapsed


def from_examples(campaign: Campaign, lines: list[list[str]]) -> float:
    """Seconds of `Workspace.learn` on lists of parsed examples; parsing and giving them back are not timed."""
    native, elapsed = vowpalwabbit.Workspace(arg_list=vw_arguments(campaign.learning)), 0.0
    for begin in range(0, len(lines), 50):
        ready = [native.parse(example) for example in lines[begin : begin + 50]]
        start = time.perf_counter()
        for example in ready:
            native.learn(example)
        elapsed += time.perf_counter() - start
        for example in ready:
            native.finish_example(example)
    native.finish()
    return elapsed


def whole(
    journal: Path, campaign: Campaign, count: int, *, apart: bool, profile: cProfile.Profile | None = None
) -> tuple[float, str]:
    """Seconds of a whole learner over the whole journal, and the digest of its model; starting it is not timed."""
    with tempfile.TemporaryDirectory() as folder:
        learner = learning(Path(folder), journal, campaign, apart=apart)
        if profile:
            profile.enable()
        start = time.perf_counter()
        learned = learner.step()
        model = learner.to_bytes()  # everything is learned once it is here
        elapsed = time.perf_counter() - start
        if profile:
            profile.disable()
        if learned != count:
            raise SystemExit(f"expected {count} decisions to be learned, got {learned}")
        digest = hashlib.sha256(model).hexdigest()
        learner.close()
    return elapsed, digest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save-every", type=int, default=2_000)
    parser.add_argument("--publish-every", type=int, default=5_000)
    parser.add_argument("--profile", action="store_true", help="print where one learner's time goes, and stop")
    options = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    print(f"command: {' '.join(sys.argv)}   commit: {commit.strip() or 'unknown'}   cores: {os.cpu_count()}")
    print(f"python {platform.python_version()}, numpy {np.__version__}, vowpalwabbit {vowpalwabbit.__version__}")
    campaign, count = campaign_of(options.save_every, options.publish_every), options.decisions
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder)
        write_journal(journal, campaign, count)
        if options.profile:
            profile = cProfile.Profile()
            whole(journal, campaign, count, apart=False, profile=profile)
            pstats.Stats(profile).sort_stats("tottime").print_stats(30)
            return
        lines = texts(journal, campaign)
        alone, ours, texted, ready, digests = [], [], [], [], set()
        for _ in range(options.rounds):
            texted.append(from_text(campaign, lines))
            for times, apart in ((alone, False), (ours, True)):
                elapsed, digest = whole(journal, campaign, count, apart=apart)
                times.append(elapsed)
                digests.add(digest)
            ready.append(from_examples(campaign, lines))
    if len(digests) != 1:
        raise SystemExit("the same journal gave different models")
    print(f"model sha256 {digests.pop()}")
    for name, times in (("one_process", alone), ("learner", ours), ("vw_text", texted), ("vw_examples", ready)):
        print(f"{name:14} {count / statistics.median(times):8.0f} decisions/s  {1e6 * min(times) / count:7.1f} µs each")
    ratio = statistics.median(t / o for t, o in zip(texted, ours, strict=True))
    bare = statistics.median(t / o for t, o in zip(ready, ours, strict=True))
    verdict("learner_text_ratio", ratio, 0.9, "Workspace.learn(list_of_text)")
    verdict("learner_examples_ratio", bare, 0.9, "Workspace.learn(list_of_examples)")


if __name__ == "__main__":
    main()
