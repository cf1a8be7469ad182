"""A shop that writes a journal of its own: two workers, late, early and repeated reports, every mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.core.campaign import Campaign, Publishing
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.drawing import draw, quantise
from engine.core.exploration.options import ExplorationOptions
from engine.core.learning import LearningOptions
from engine.core.objective import Objective
from engine.core.outcome import Outcome, OutcomeType
from engine.core.placement import Channel, Slot
from engine.core.reading import plain
from engine.core.schema import Attribute, Schema
from engine.core.variant import Variant, VariantState
from engine.journal import JournalReader, Mark, SegmentWriter
from engine.service.campaigns import Campaigns
from engine.service.learning import Learning
from engine.store import DocumentStore, SnapshotStore, SqliteLeases

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW_S = 300.0


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@dataclass
class HandClock:
    moment: datetime = field(default=START)

    def now(self) -> datetime:
        return self.moment


def campaign_of(**changes: object) -> Campaign:
    variants = tuple(
        Variant(id=f"v{i}", state=VariantState.APPROVED, channels={"email": {}, "push": {}}, offer={"percent": 0.1 * i})
        for i in range(3)
    )
    campaign = Campaign(
        id="spring",
        channels=(Channel("email"), Channel("push")),
        slots=(Slot("now"), Slot("evening", delay_s=60.0)),
        schema=Schema(2, {"member": Attribute("boolean")}),
        variants=variants,
        objective=Objective({"click": 1.0, "purchase": 0.1, "refund": -0.1}, low=-1.0, high=3.0, typical=0.1),
        exploration=ExplorationOptions(),
        learning=LearningOptions(bits=12, save_every=50, interactions=("UV", "XC")),
        windows_s=dict.fromkeys(OutcomeType, WINDOW_S),
        publishing=Publishing(every_decisions=120, keep=4),
    )
    return replace(campaign, **changes)


class Shop:
    """Writes decisions of one campaign, and what came of them, into `folder/journal`."""

    def __init__(self, folder: Path, campaign: Campaign, seed: int = 0, chains: int = 2) -> None:
        self.campaign = campaign
        self.catalogue = campaign.catalogue()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        documents = Campaigns(DocumentStore(folder / "state.db"))
        if campaign.id not in [stored.campaign.id for stored in documents.all()]:
            documents.create(plain(campaign))
        self.rng = np.random.default_rng(seed)
        self.writers = [SegmentWriter(folder / "journal", f"worker-{i}", "write", 1 << 16) for i in range(chains)]
        self.n = 0
        self.seconds = 0.0

    def after(self, seconds: float) -> datetime:
        return after(seconds)

    def decision(self, user: str, *, mode: Mode = Mode.LIVE, eligible: list[int] | None = None) -> Decision:
        columns = np.array(eligible if eligible is not None else range(len(self.catalogue)))
        weights = self.rng.random(len(columns)) + 0.2
        counts = quantise((weights / weights.sum())[None, :])
        seed = int(self.rng.integers(1 << 63))
        at = int(draw(counts, np.array([seed]))[0])
        self.n += 1
        return Decision(
            id=f"{self.n:032x}", campaign=self.campaign.id, user=user, decided_at=after(self.seconds),
            arm=self.catalogue.ids[columns[at]], eligible=tuple(self.catalogue.ids[i] for i in columns),
            counts=counts[0].astype(np.uint32), chosen_count=int(counts[0, at]), seed=seed,
            context=Context(self.rng.normal(size=2).astype(np.float32), {"member": bool(self.rng.random() < 0.5)}),
            mode=mode, catalogue=self.catalogue.digest, policy="squarecb(10,0.5)",
        )  # fmt: skip

    def record(self, record: Decision | Outcome | Mark, seconds: float | None = None) -> None:
        writer = self.writers[int(self.rng.integers(len(self.writers)))]
        writer.append(record, after(self.seconds if seconds is None else seconds))

    def run(self, decisions: int) -> None:
        """Some days of business: reports come late, early, twice and by user."""
        waiting: list[tuple[float, Outcome]] = []
        for _ in range(decisions):
            self.seconds += float(self.rng.exponential(2.0))
            waiting.sort(key=lambda item: item[0])
            while waiting and waiting[0][0] <= self.seconds:
                self.record(waiting.pop(0)[1])
            mode = Mode(self.rng.choice(["live", "live", "live", "live", "control", "fallback", "holdout", "shadow"]))
            only = [0] if mode is Mode.HOLDOUT or self.rng.random() < 0.05 else None
            decision = self.decision(f"u{self.rng.integers(50)}", mode=mode, eligible=only)
            for outcome in self._outcomes(decision):
                lag = float(self.rng.choice([0.0, 1.0, 200.0, 700.0], p=[0.5, 0.3, 0.15, 0.05]))
                seen = (outcome.at - START).total_seconds() + lag
                waiting += [(seen, outcome)] * int(self.rng.choice([1, 2], p=[0.9, 0.1]))
                if seen <= self.seconds:
                    self.record(waiting.pop()[1])
            self.record(decision)
        self.commit()

    def _outcomes(self, decision: Decision) -> list[Outcome]:
        result = []
        liking = 0.5 if decision.arm.startswith("v1/") else 0.15
        for kind, chance in (("click", liking), ("purchase", 0.1), ("refund", 0.03)):
            if self.rng.random() < chance:
                at = after(self.seconds + float(self.rng.choice([0.0, 5.0, 250.0, 500.0], p=[0.3, 0.5, 0.15, 0.05])))
                keyed = {"user": decision.user} if self.rng.random() < 0.4 else {"decision_id": decision.id}
                value = 1.0 if kind == "click" else float(self.rng.integers(1, 20))
                result.append(Outcome(f"{decision.id}-{kind}", "spring", OutcomeType(kind), at, value, **keyed))
        return result

    def commit(self) -> None:
        for writer in self.writers:
            writer.append(Mark(), after(self.seconds))
            writer.commit()

    def quiet(self, seconds: float) -> None:
        """Let time pass with nothing but heartbeats."""
        self.seconds += seconds
        self.commit()

    def close(self) -> None:
        for writer in self.writers:
            writer.close()

    def learning(self, name: str = "learner", *, campaign: Campaign | None = None, clock: HandClock | None = None,
                 holder: str = "h", apart: bool = False) -> Learning:  # fmt: skip
        campaign = campaign or self.campaign
        clock = clock or HandClock()
        return Learning(
            campaign=campaign,
            reader=JournalReader(self.folder / "journal"),
            catalogues=Campaigns(DocumentStore(self.folder / "state.db")).catalogue,
            snapshots=self.snapshots(name),
            leases=SqliteLeases(self.folder / f"{name}.leases.db", clock),
            folder=self.folder / name,
            clock=clock,
            holder=holder,
            apart=apart,
        )

    def snapshots(self, name: str = "learner") -> SnapshotStore:
        return SnapshotStore(self.folder / f"{name}.snapshots", self.campaign.id)


@pytest.fixture
def make_shop(tmp_path: Path) -> Callable[..., Shop]:
    shops: list[Shop] = []

    def make(campaign: Campaign | None = None, folder: str = "data", **options: int) -> Shop:
        shops.append(Shop(tmp_path / folder, campaign or campaign_of(), **options))
        return shops[-1]

    yield make
    for shop in shops:
        shop.close()


@pytest.fixture(scope="session")
def shop_maker() -> type[Shop]:
    return Shop


@pytest.fixture(scope="session")
def campaign_maker() -> Callable[..., Campaign]:
    return campaign_of


@pytest.fixture
def make_campaign() -> Callable[..., Campaign]:
    return campaign_of


@pytest.fixture
def make_clock() -> Callable[..., HandClock]:
    return HandClock
