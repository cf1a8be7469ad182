"""What a worker spent behind a checkpoint, read from its own journal chain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.core.arm import ArmId
from engine.core.decision import Decision, Mode
from engine.core.errors import CorruptState, UnsupportedVersion
from engine.core.outcome import Outcome, OutcomeType
from engine.core.prices import BUDGET, Prices
from engine.journal.arms_of import ArmsOf, no_catalogues
from engine.journal.chain import Chain
from engine.journal.chain_reader import ChainReader
from engine.journal.position import Position
from engine.journal.record import decode

GivenBack = Callable[[Outcome], ArmId | None]
"""A `not_sent` outcome → the arm whose price came back when it was recorded; None where nothing did. It must answer as
the worker did then."""


def nothing_given_back(outcome: Outcome) -> None:
    """Give nothing back: too little is then left, never too much."""
    del outcome


def spent_behind(
    folder: Path,
    position: Position,
    campaign: str,
    prices: Prices,
    given_back: GivenBack = nothing_given_back,
    arms: ArmsOf = no_catalogues,
) -> Mapping[str, int]:
    """Sum what one campaign's decisions took and its `not_sent` outcomes gave back.

    Open the chain's writer first: it cuts a torn tail, which then cannot count. A record that cannot be read counts as
    the dearest send; of whose stock, nobody can say.

    Args:
        folder: The journal's folder.
        position: Where to begin; its chain is read to the end.
        campaign: Whose decisions count.
        prices: In force behind the position.
        given_back: See `GivenBack`.
        arms: Looks catalogues up, for decisions over many arms.

    Returns:
        Limit → quantity, for the budget and for every variant's stock, whether limited or not.

    Raises:
        CorruptState: If the chain is damaged before its tail, or segments are missing.
        UnsupportedVersion: If a newer armsreach wrote a record.
    """
    total: Counter[str] = Counter()
    for _, payload in ChainReader(Chain(folder, position.chain)).payloads(position):
        try:
            record = decode(payload, arms).record
        except UnsupportedVersion:
            raise
        except CorruptState:
            total[BUDGET] += max(prices.charge.values(), default=0)
            continue
        if isinstance(record, Decision):
            if record.campaign == campaign and takes(record):
                total.update(prices.charged(record.arm))
        elif isinstance(record, Outcome) and record.campaign == campaign and record.type is OutcomeType.NOT_SENT:
            arm = given_back(record)
            if arm is not None:
                total.subtract(prices.refunded(arm))
    return total


def takes(decision: Decision) -> bool:
    """Whether a decision takes from the limits: one that is acted on, and sends."""
    return decision.is_send and decision.mode is not Mode.SHADOW
