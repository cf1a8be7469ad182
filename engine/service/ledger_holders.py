"""What the ledger needs of the journal: all behind its checkpoints, from which the next start counts what was spent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.journal import Position, Positions
from engine.journal.chain import chains
from engine.store.ledger import Checkpoint, Ledger

_BEYOND = 1 << 62
"""Of a segment: no chain has so many."""


def ledger_positions(journal: Path, ledger: Ledger, node: str, accounts: Iterable[str]) -> Iterator[Positions]:
    """How far each of a node's chains is counted in the ledger; see `Retention`.

    Args:
        journal: The journal's folder.
        ledger: Who leases.
        node: The node's name.
        accounts: Of the campaigns' limits.

    Raises:
        Unavailable: If the ledger cannot be reached.
    """
    earliest = {chain.name: Position(chain.name, _BEYOND, 0) for chain in chains(journal)}
    for account in accounts:
        for chain, checkpoint in open_checkpoints(ledger, node, account):
            position = Position(chain, checkpoint.segment, checkpoint.offset)
            earliest[chain] = min(earliest.get(chain, position), position)
    yield Positions(earliest.values())


def open_checkpoints(ledger: Ledger, node: str, account: str) -> Iterator[tuple[str, Checkpoint]]:
    """A node's chains with checkpoints behind which something may have been spent.

    Raises:
        Unavailable: If the ledger cannot be reached.
    """
    for holder, checkpoint in ledger.checkpoints(account).items():
        of, _, chain = holder.partition(".")
        if of == node and chain and not checkpoint.closed:
            yield chain, checkpoint
