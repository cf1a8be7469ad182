"""A worker to be killed: it decides, pays from its allowance, and journals; real ledger, chain and threads."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from engine.core.arm import HOLD, ArmId, ChannelId, SlotId, VariantId
from engine.core.budget import Budget
from engine.core.campaign import Campaign
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.limits import Limits
from engine.core.outcome import Outcome, OutcomeType
from engine.core.placement import Channel, Slot
from engine.core.variant import Variant
from engine.journal import GroupCommit, Mark, Position, SegmentWriter
from engine.service.allowances import Allowances
from engine.service.spending import spent_behind
from engine.store.ledger import SqliteLedger

START = datetime(2026, 3, 1, tzinfo=UTC)
KILLS = int(os.environ.get("ARMSREACH_KILLS", "24"))
AMOUNT, CHUNK, STOCK, STOCK_CHUNK = 250 * KILLS, 120, 21 * KILLS, 20


def campaign() -> Campaign:
    texts = {ChannelId("email"): {"subject": "x"}, ChannelId("sms"): {"text": "x"}}
    return Campaign(
        "c",
        (Channel(ChannelId("email"), cost_minor=1), Channel(ChannelId("sms"), cost_minor=7)),
        (Slot(SlotId("now")),),
        variants=(
            Variant(VariantId("a"), channels=texts, stock=STOCK, stock_chunk=STOCK_CHUNK),
            Variant(VariantId("b"), channels=texts),
        ),
        budget=Budget(AMOUNT, CHUNK),
    )


def decision(name: str, arm: ArmId) -> Decision:
    return Decision(
        name, "c", "u", START, arm, (arm,), None, 1 << 24, 0, Context(np.zeros(0, dtype=np.float32)), Mode.LIVE, "cat"
    )


def given_back(outcome: Outcome) -> ArmId | None:
    """The victim writes the arm into the outcome's user."""
    return ArmId(outcome.user)


async def main(folder: Path, chain: str, run: str, seed: int) -> None:
    made = campaign()
    catalogue = made.catalogue()
    writer = SegmentWriter(folder / "journal", chain, segment_bytes=20_000)
    commits = GroupCommit(writer)
    recover = partial(spent_behind, folder / "journal", given_back=given_back)
    allowances = Allowances(
        SqliteLedger(folder / "ledger.db"), chain, lambda campaign: lambda at, prices: recover(at, campaign, prices)
    )
    allowance = allowances.open("c", Limits(made, catalogue), 1, writer.position)
    chance = random.Random(seed)
    moment = START

    async def mark() -> Position:
        return await commits.append(Mark(), moment)

    holds = 0
    for number in range(100_000):
        moment = START + timedelta(milliseconds=number)
        excluded = allowance.excluded()
        arms = np.arange(len(catalogue)) if excluded is None else np.flatnonzero(excluded == 0)
        arm = int(chance.choice(arms.tolist()))
        if len(arms) == 1:
            holds += 1
            await allowance.refill()
            if holds == 3:
                break
            continue
        holds = 0
        assert allowance.take(arm)
        writing = [asyncio.ensure_future(commits.append(decision(f"{run}-{number}", catalogue.ids[arm]), moment))]
        await asyncio.sleep(0)
        if arm and chance.random() < 0.1:
            allowance.give_back(catalogue.ids[arm])
            outcome = Outcome(
                f"{run}-{number}", "c", OutcomeType.NOT_SENT, moment, user=catalogue.ids[arm], reason="bounced"
            )
            await commits.append(outcome, moment)
        await asyncio.gather(*writing)
        if number % 37 == 5:
            await allowances.checkpoint(mark)
        os.write(1, f"{catalogue.ids[arm]}\n".encode())
    if HOLD in sys.argv:
        os.write(1, b"waiting\n")
        await asyncio.Event().wait()
    await allowances.close(mark)
    await commits.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
