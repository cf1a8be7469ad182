"""Decisions of one campaign, counted some blocks at a time."""

from __future__ import annotations

import zlib
from collections import Counter, deque
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from engine.core.catalogue import Catalogue
from engine.core.context import Context
from engine.core.decision import Mode
from engine.core.decision_block import DecisionBlock
from engine.core.drawing import SCALE
from engine.core.eligible_set import EligibleSet
from engine.core.outcome import OutcomeType
from engine.core.repeated import Repeated
from engine.service.serving import Serving
from engine.telemetry.seen_users import SeenUsers
from engine.telemetry.series import Series

T = TypeVar("T")

SAMPLE_EVERY = 64
"""One decision in so many is looked at more closely, later, by another thread."""

WAITING_SAMPLES = 4_096
_MODES = tuple(Mode)
_CODES = {id(mode): code for code, mode in enumerate(_MODES)}
_LIVE = _MODES.index(Mode.LIVE)
_KEPT_SETS = 512
_TABLE_CELLS = 1 << 16

GROUPS = ("holdout", "control", "champion")
_GROUP_OF = {Mode.HOLDOUT: 0, Mode.CONTROL: 1, Mode.LIVE: 2, Mode.FALLBACK: 2}
_GROUP_CODES = np.array([_GROUP_OF.get(mode, -1) for mode in _MODES])


class Sample(NamedTuple):
    """A decision to look at.

    Attributes:
        counts: Shape (k,), its probabilities over 2²⁴; None for one that a model did not draw.
        eligible: What it was drawn from.
        context: What was known of the shopper.
    """

    counts: np.ndarray | None
    eligible: EligibleSet
    context: Context


class Window(NamedTuple):
    """Counts at the end of a window of decisions."""

    decisions: int
    outcomes: dict[OutcomeType, int]


class CampaignCounts:
    """Counters of one campaign in one worker. `DecisionCounts` sees to it that one thread at a time writes.

    Attributes:
        serving: What was served last.
        samples: Decisions to look at, oldest first; the oldest go where nobody looks.
        windows: Ends of windows that nobody has looked at.
        users: Distinct users by group, as in `GROUPS`, since the shares were last changed.
        shares: The shares that they are to be compared with: holdout, control, rotation.
        decisions: All decisions.
    """

    def __init__(self, campaign: str, seen: SeenUsers, window: int, sample_every: int = SAMPLE_EVERY) -> None:
        self.campaign = campaign
        self.serving: Serving | None = None
        self.samples: deque[Sample] = deque(maxlen=WAITING_SAMPLES)
        self.windows: deque[Window] = deque(maxlen=1_024)
        self.users = [0] * len(GROUPS)
        self.shares: tuple[float, float, str] = (0.0, 0.0, "")
        self.decisions = 0
        self.outcomes: dict[OutcomeType, int] = {}
        self._seen = seen
        self._salt = 0
        self._window = self._window_ends = window
        self._sample_every = self._until_sample = sample_every
        self._states: list[str] = ["hold"]
        self._state_of: np.ndarray = np.zeros(1, dtype=np.int64)
        self._by: dict[tuple[int, str], int] = {}
        self._floor_hits = 0
        self._sets: Counter[EligibleSet] = Counter()
        self._excluded: Counter[str] = Counter()
        self._repeated = 0

    def add(self, blocks: Sequence[DecisionBlock], serving: Serving) -> None:
        """Count blocks that were drawn with one serving."""
        if serving is not self.serving:
            self._adopt(serving)
        n = sum(len(block.ids) for block in blocks)
        self.decisions += n
        self._count(blocks)
        self._sample(blocks, n)
        if self.decisions >= self._window_ends:
            self._window_ends = self.decisions + self._window
            self.windows.append(Window(self.decisions, dict(self.outcomes)))
        if len(self._sets) > _KEPT_SETS:
            self._fold()

    def report(self, kind: OutcomeType) -> None:
        """Count an outcome."""
        self.outcomes[kind] = self.outcomes.get(kind, 0) + 1

    def repeat(self, times: int) -> None:
        """Count what was reported before."""
        self._repeated += times

    def _count(self, blocks: Sequence[DecisionBlock]) -> None:
        modes, sets = _together([block.modes for block in blocks]), _together([block.sets for block in blocks])
        codes = np.array([_CODES[id(mode)] for mode in modes.values])[modes.which]
        columns = np.concatenate([block.columns for block in blocks])
        chosen = np.concatenate([block.chosen for block in blocks])
        states = len(self._states)
        counts = np.bincount(codes * states + self._state_of[columns])
        for i in np.flatnonzero(counts).tolist():
            key = i // states, self._states[i % states]
            self._by[key] = self._by.get(key, 0) + int(counts[i])
        times = np.bincount(sets.which, minlength=len(sets.values)).tolist()
        for eligible, count in zip(sets.values, times, strict=True):
            if count:
                self._sets[eligible] += count
        self._floor_hits += int(((codes == _LIVE) & (chosen <= 2 * SCALE * _floors(sets, columns))).sum())
        users = blocks[0].users if len(blocks) == 1 else [user for block in blocks for user in block.users]
        groups = _GROUP_CODES[codes[self._seen.new_ones(users, self._salt)]]
        for group, count in enumerate(np.bincount(groups[groups >= 0], minlength=len(GROUPS)).tolist()):
            self.users[group] += count

    def _sample(self, blocks: Sequence[DecisionBlock], n: int) -> None:
        """Put every so many decisions aside; the counter says how many pass before the next one."""
        if self._until_sample >= n:
            self._until_sample -= n
            return
        i = self._until_sample
        for block in blocks:
            while i < len(block.ids):
                counts = block.counts[i].copy() if block.modes[i] is Mode.LIVE else None
                context = block.contexts[i]
                # A copy: a row of a batch would keep all of the batch's numbers.
                kept = Context(context.embedding.copy(), context.attributes)
                self.samples.append(Sample(counts, block.sets[i], kept))
                i += self._sample_every
            i -= len(block.ids)
        self._until_sample = i

    def _adopt(self, serving: Serving) -> None:
        """Make ready for another revision or snapshot; fold what depends on the one before."""
        self._fold()
        if self.serving is None or serving.catalogue is not self.serving.catalogue:
            self._states, self._state_of = _states_of(serving.catalogue)
        shares = serving.campaign.shares
        configured = shares.holdout, shares.control, shares.rotation
        if self.serving is None or configured != self.shares:
            self.shares = configured
            self.users = [0] * len(GROUPS)
            self._salt = zlib.crc32(f"{self.campaign}\0{configured}".encode())
        self.serving = serving

    def _fold(self) -> None:
        """Add exclusions up, and let the eligible sets go."""
        sets, self._sets = self._sets, Counter()
        _count_excluded(self._excluded, sets)

    def put(self, series: Series) -> None:
        """Add what was counted."""
        name = self.campaign
        for (code, state), count in list(self._by.items()):
            series.add("armsreach_decisions", (name, str(_MODES[code]), state), count)
        series.add("armsreach_floor_hits", (name,), self._floor_hits)
        excluded = Counter(self._excluded)
        _count_excluded(excluded, dict(self._sets.items()))
        for reason, count in excluded.items():
            series.add("armsreach_exclusions", (name, reason), count)
        for kind, count in list(self.outcomes.items()):
            series.add("armsreach_outcomes", (name, str(kind)), count)
        series.add("armsreach_reports_repeated", (name,), self._repeated)
        holdout, control, rotation = self.shares
        for group, count in zip(GROUPS, self.users, strict=True):
            series.add("armsreach_users", (name, group, shares_label(holdout, control, rotation)), count)

    @property
    def samples_a_window(self) -> int:
        """Looked-at decisions in a window."""
        return max(1, self._window // self._sample_every)


def _together(columns: Sequence[Sequence[T]]) -> Repeated[T]:
    """Columns of several blocks as one."""
    if len(columns) == 1:
        return Repeated.of(columns[0])
    return Repeated.of([item for column in columns for item in column])


def _floors(sets: Repeated[EligibleSet], columns: np.ndarray) -> np.ndarray:
    """What the floor alone gave each chosen arm; shape (n,)."""
    values = sets.values
    if len(values) * len(values[0].floor) <= _TABLE_CELLS:
        return np.array([eligible.floor for eligible in values])[sets.which, columns]
    each = zip(sets.which.tolist(), columns.tolist(), strict=True)
    return np.array([values[number].floor.item(column) for number, column in each])


def shares_label(holdout: float, control: float, rotation: str) -> str:
    """Names configured shares, so that users counted under others are not mixed in."""
    return f"{holdout:g}/{control:g}/{rotation}"


def _states_of(catalogue: Catalogue) -> tuple[list[str], np.ndarray]:
    """The states that occur, and which of them each column has."""
    variants = [catalogue.variant(i) for i in range(len(catalogue))]
    names = ["hold" if variant is None else str(variant.state) for variant in variants]
    states = list(dict.fromkeys(names))
    return states, np.array([states.index(name) for name in names], dtype=np.int64)


def _count_excluded(into: Counter[str], sets: dict[EligibleSet, int]) -> None:
    for eligible, times in sets.items():
        found = np.bincount(eligible.excluded.codes)
        for code, arms in enumerate(found.tolist()):
            if code and arms:
                into[eligible.excluded.reasons[code - 1]] += arms * times
