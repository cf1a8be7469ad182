"""Fills the tables of frequency caps from the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.core.decision import Decision
from engine.core.outcome import OutcomeType
from engine.journal import JournalReader, Position, Positions
from engine.service.frequencies import Frequencies

DecisionOf = Callable[[str], tuple[str, int, datetime] | None]
"""Decision id → the shopper's pseudonym, the chosen column and when it was decided; None where that is not at hand."""


def not_at_hand(decision_id: str) -> None:
    """Know no decision: the journal is then read for those that are needed."""
    del decision_id


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a journal told.

    Attributes:
        sends: Sends that count, or did until they were given back.
        given_back: Reports of sends that did not go out.
        forgotten: Sends that no table had room for: caps may be broken for their shoppers. Raise `caps_table.users`.
    """

    sends: int
    given_back: int
    forgotten: int


def recall_frequencies(
    reader: JournalReader,
    frequencies: Frequencies,
    now: datetime,
    since: Positions | None = None,
    decision_of: DecisionOf = not_at_hand,
) -> Recalled:
    """Count what was sent within the longest window and was not given back. Call it before anything is decided.

    It may be done again over the same records, and changes nothing then. Sends that were given back are never counted,
    rather than counted and taken out, so that they push nothing else out of a row.

    Args:
        reader: The journal.
        frequencies: Open tables, empty or from a checkpoint.
        now: The present; aware.
        since: The checkpoint's positions; None reads the longest window.
        decision_of: Finds decisions from before the checkpoint that were given back behind it; the window is read for
            those that it does not know.

    Raises:
        CorruptState: If durable records are damaged.
    """
    if not frequencies.longest_s:
        return Recalled(0, 0, 0)
    window = reader.positions_before(now - timedelta(seconds=frequencies.longest_s))
    start = _later(window, since) if since is not None else window
    back = {
        outcome.decision_id: outcome.campaign
        for outcome in reader.outcomes(start)
        if outcome.type is OutcomeType.NOT_SENT and outcome.decision_id
    }
    if since is not None:
        _take_out(reader, frequencies, back, (start, window), decision_of)
    sends = forgotten = 0
    for decision in _decisions(reader, start):
        sends += decision.is_send
        if decision.id in back:
            _give_back(frequencies, decision)
        else:
            forgotten += frequencies.restore(decision, now.timestamp())
    return Recalled(sends, len(back), forgotten)


def _take_out(
    reader: JournalReader,
    frequencies: Frequencies,
    back: Mapping[str, str],
    starts: Iterable[Positions],
    decision_of: DecisionOf,
) -> None:
    """Take out of a checkpoint what was given back behind it, before anything is counted on top.

    Decisions that are not at hand are looked for in the journal, from the later start first.
    """
    left = dict(back)
    for id, campaign in back.items():
        if (found := decision_of(id)) is not None:
            frequencies.give_back(campaign, found[0], bytes.fromhex(id), found[2])
            del left[id]
    for start in starts:
        for decision in _decisions(reader, start) if left else ():
            if left.pop(decision.id, None) is not None:
                _give_back(frequencies, decision)


def _decisions(reader: JournalReader, start: Positions) -> Iterable[Decision]:
    return (entry.record for _, entry in reader.read(start) if isinstance(entry.record, Decision))


def _give_back(frequencies: Frequencies, decision: Decision) -> None:
    frequencies.give_back(decision.campaign, decision.user, bytes.fromhex(decision.id), decision.decided_at)


def _later(window: Positions, since: Positions) -> Positions:
    """The later position of each chain; a chain that the window leaves out is read from where the checkpoint was."""
    chains: dict[str, Position] = {**window, **{c: p for c, p in since.items() if c not in window or p > window[c]}}
    return Positions(chains.values())
