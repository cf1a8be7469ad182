"""From what was drawn to a block of decisions, and back where some of it cannot stand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from engine.core.context import Context
from engine.core.decision import Mode
from engine.core.decision_block import DecisionBlock
from engine.core.eligible_set import EligibleSet
from engine.core.policy import Policy
from engine.core.repeated import Repeated
from engine.service.restraint import Drawn, Restraint
from engine.service.serving import Serving

HOLDOUT_POLICY = "holdout"


class AskedRows(NamedTuple):
    """Who is decided for; see `Rows`."""

    users: Sequence[str]
    ids: Sequence[bytes]
    at: Sequence[datetime]
    modes: Sequence[Mode]
    sets: Sequence[EligibleSet]


def drawn_block(
    serving: Serving,
    asked: AskedRows,
    drawn: Drawn,
    seeds: np.ndarray,
    contexts: Sequence[Context],
    digests: Sequence[bytes],
) -> DecisionBlock:
    """What came of a draw, with what it was made from."""
    modes = asked.modes
    sets: Sequence[EligibleSet] = drawn.sets
    policies = _labels(serving, modes)
    if not isinstance(modes, Repeated):  # few rows, which are read one by one
        sets, policies = list(sets), list(policies)
    return DecisionBlock(
        campaign=serving.campaign.id,
        catalogue=serving.catalogue,
        snapshot=serving.snapshot,
        ids=asked.ids,
        users=asked.users,
        at=asked.at,
        contexts=contexts,
        digests=digests,
        modes=modes,
        policies=policies,
        sets=sets,
        counts=drawn.counts,
        columns=drawn.columns,
        chosen=drawn.counts[np.arange(len(drawn.columns)), drawn.columns],
        seeds=seeds,
    )


def _labels(serving: Serving, modes: Sequence[Mode]) -> Sequence[str]:
    """The policy that each row was drawn from."""
    column = Repeated.of(modes)
    names = [HOLDOUT_POLICY if mode is Mode.HOLDOUT else policy_of(serving, mode).label for mode in column.values]
    return Repeated(names, column.which)


def without(block: DecisionBlock, refused: Collection[int]) -> tuple[DecisionBlock | None, list[int]]:
    """The other rows, None if there are none; and those that were left out, ascending."""
    gone = set(refused)
    kept = [i for i in range(len(block)) if i not in gone]
    if not kept:
        return None, sorted(gone)
    listed = ("ids", "users", "at", "contexts", "digests", "modes", "policies", "sets")
    arrays = ("counts", "columns", "chosen", "seeds")
    changes: dict[str, Any] = {name: [getattr(block, name)[i] for i in kept] for name in listed}
    changes |= {name: getattr(block, name)[kept] for name in arrays}
    return replace(block, **changes), sorted(gone)


def undo(restraint: Restraint, block: DecisionBlock | None) -> None:
    """Take back what was counted and paid for decisions that never became durable."""
    if block is not None and restraint.active:
        arms = [block.catalogue.ids[column] for column in block.columns.tolist()]
        restraint.undo(block.users, block.ids, block.at, arms)


def policy_of(serving: Serving, mode: Mode) -> Policy:
    """The policy that a mode draws from."""
    return serving.policy if mode is Mode.LIVE and serving.policy is not None else serving.uniform
