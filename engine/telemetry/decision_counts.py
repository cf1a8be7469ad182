"""Decisions of all campaigns of one worker, and where their time went."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from engine.core.decision_block import DecisionBlock
from engine.core.outcome import Outcome
from engine.journal import Record
from engine.service.serving import Serving
from engine.telemetry.campaign_counts import CampaignCounts
from engine.telemetry.histogram import Histogram
from engine.telemetry.seen_users import SeenUsers
from engine.telemetry.series import Series

ROWS_A_COUNT = 256
"""Decisions that are counted together."""

_WAITING = 1 << 16
_Decided = tuple[DecisionBlock, Serving, str, float, float]


class _Stages:
    """Where the time of one method's decisions goes."""

    __slots__ = ("decide", "journal", "queue")

    def __init__(self) -> None:
        self.queue, self.decide, self.journal = Histogram(), Histogram(), Histogram()


class DecisionCounts:
    """A `DeliveryWatch`: puts blocks aside, and counts some at a time, as columns.

    On the path of requests a block costs an append; every `ROWS_A_COUNT` decisions, and whenever somebody asks, they
    are counted. Two threads may do that, one after the other.

    Attributes:
        campaigns: Campaign id → its counters.
    """

    def __init__(self, seen: SeenUsers, window: int) -> None:
        """Count from nothing.

        Args:
            seen: The users that were counted.
            window: Decisions in a window of the alarms for drift.
        """
        self.campaigns: dict[str, CampaignCounts] = {}
        self._seen = seen
        self._window = window
        self._stages: dict[str, _Stages] = {}
        self._records = 0
        self._lost = 0
        self._rows = 0
        self._decided: deque[_Decided] = deque()
        self._committed: deque[tuple[int, str, float]] = deque(maxlen=_WAITING)
        self._counting = threading.Lock()

    def decided(self, block: DecisionBlock, serving: Serving, method: str, queued_s: float, decide_s: float) -> None:
        """See `DeliveryWatch`."""
        self._decided.append((block, serving, method, queued_s, decide_s))
        self._rows += len(block.ids)
        if self._rows >= ROWS_A_COUNT and self._counting.acquire(blocking=False):
            try:
                self._count()
            finally:
                self._counting.release()

    def committed(self, records: int, method: str, seconds: float) -> None:
        """See `DeliveryWatch`."""
        self._committed.append((records, method, seconds))

    def count(self) -> None:
        """Count what was put aside."""
        with self._counting:
            self._count()

    def _count(self) -> None:
        self._rows = 0
        decided = [self._decided.popleft() for _ in range(len(self._decided))]
        committed = [self._committed.popleft() for _ in range(len(self._committed))]
        aside: dict[Serving, list[DecisionBlock]] = {}
        timed: dict[str, tuple[list[int], list[float], list[float]]] = {}
        for block, serving, method, queued_s, decide_s in decided:
            if serving in aside:
                aside[serving].append(block)
            else:
                aside[serving] = [block]
            if method not in timed:
                timed[method] = [], [], []
            times, queued, took = timed[method]
            times.append(len(block.ids))
            queued.append(queued_s)
            took.append(decide_s)
        for serving, blocks in aside.items():
            self._of(serving.campaign.id).add(blocks, serving)
        for method, (times, queued, took) in timed.items():
            self._of_method(method).queue.add_many(queued, times)
            self._of_method(method).decide.add_many(took, times)
        for method in {one[1] for one in committed}:
            times = [records for records, other, _ in committed if other == method]
            waited = [seconds for _, other, seconds in committed if other == method]
            self._of_method(method).journal.add_many(waited, times)
            self._records += sum(times)

    def failed(self, records: int) -> None:
        """See `DeliveryWatch`."""
        self._lost += records

    def reported(self, campaign: str, records: Sequence[Record], repeated: int) -> None:
        """See `DeliveryWatch`."""
        counts = self._of(campaign)
        for record in records:
            if isinstance(record, Outcome):
                counts.report(record.type)
        counts.repeat(repeated)

    def put(self, series: Series) -> None:
        """Add what was counted."""
        self.count()
        for method, stages in list(self._stages.items()):
            for stage in ("queue", "decide", "journal"):
                series.add("armsreach_stage_seconds", (method, stage), getattr(stages, stage).values)
        series.add("armsreach_records", (), self._records)
        series.add("armsreach_records_lost", (), self._lost)
        for counts in list(self.campaigns.values()):
            counts.put(series)

    def _of(self, campaign: str) -> CampaignCounts:
        counts = self.campaigns.get(campaign)
        if counts is None:
            counts = self.campaigns[campaign] = CampaignCounts(campaign, self._seen, self._window)
        return counts

    def _of_method(self, method: str) -> _Stages:
        return self._stages.get(method) or self._stages.setdefault(method, _Stages())
