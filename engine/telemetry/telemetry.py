"""The telemetry of one worker: what counts, what looks for alarms, and what others may read."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from engine.config import TelemetrySettings
from engine.service.delivery_watch import DeliveryWatch, DeliveryWatches
from engine.telemetry.alarm_watch import AlarmWatch
from engine.telemetry.board import Board, Note
from engine.telemetry.call_counts import CallCounts
from engine.telemetry.campaign_counts import GROUPS, shares_label
from engine.telemetry.commit_counts import CommitCounts
from engine.telemetry.decision_counts import DecisionCounts
from engine.telemetry.decision_log import DecisionLog
from engine.telemetry.gauges import GaugeSource, Reading
from engine.telemetry.seen_users import SeenUsers
from engine.telemetry.series import Series
from engine.telemetry.tracing import open_tracing

log = logging.getLogger(__name__)

LOOK_S = 1.0
_STALE_NOTE_S = 10.0


class Telemetry:
    """Counters of one worker.

    Attributes:
        calls: A `Watch`, for `Guarded`.
        decisions: Counts decisions; part of `watch`.
        watch: A `DeliveryWatch`, for `Delivery`.
        tracing: Spans of calls; its `traced` wraps servicers.
        commits: A `CommitWatch`, for `WatchedWriter`.
        alarms: What is wrong.
        snapshots: Gauges of the served models, which alarms look at, too.
        sources: Other gauges, read at a scrape only.
    """

    def __init__(
        self,
        settings: TelemetrySettings,
        board: Board | None = None,
        seen: SeenUsers | None = None,
        worker: int = 0,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Count from where the worker of this number left off.

        Args:
            settings: Windows and limits.
            board: Of all workers, made before they were forked; one of its own by default.
            seen: The users that were counted, likewise.
            worker: This worker's number.
            now_s: Seconds since 1970.
        """
        self.settings = settings
        self.board = board or Board()
        self.worker = worker
        self.calls = CallCounts()
        self.decisions = DecisionCounts(seen or SeenUsers(), settings.drift_window)
        self.commits = CommitCounts(now_s)
        self.tracing = open_tracing(settings)
        watches: list[DeliveryWatch] = [self.decisions]
        watches += [DecisionLog()] if settings.log_decisions else []
        watches += [self.tracing.watch] if settings.traces else []
        self.watch: DeliveryWatch = watches[0] if len(watches) == 1 else DeliveryWatches(*watches)
        self.alarms = AlarmWatch(self.decisions.campaigns, np.random.default_rng(worker))
        self.snapshots: GaugeSource = lambda _: ()
        self.sources: list[GaugeSource] = []
        self._now_s = now_s
        earlier = self.board.read(worker)
        self._earlier = earlier.series if earlier else Series()
        self._gauges_failed = 0
        self._looking = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look for alarms and leave counters every second, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave the last counters, and end the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.tracing.close()

    def look(self) -> None:
        """Look once: count, raise and lower alarms, leave counters on the board."""
        with self._looking:
            self.decisions.count()
            now_s = self._now_s()
            self.alarms.look(now_s)
            self._look_at_journal(now_s)
            self._look_at_snapshots(now_s)
            self._leave(now_s)
            if self.worker == 0:
                self._look_at_shares(now_s)
                self._leave(now_s)

    def own(self) -> Series:
        """This worker's counters and alarms."""
        series = Series()
        series.merge(self._earlier)
        for part in (self.calls, self.decisions, self.commits):
            part.put(series)
        series.of.pop("armsreach_alarm", None)
        for alarm, campaign in list(self.alarms.raised):
            series.add("armsreach_alarm", (alarm, campaign), 1)
        series.add("armsreach_gauges_failed", (), self._gauges_failed)
        return series

    def all(self) -> Series:
        """What is shown: the sum over workers, some counts of each, and gauges."""
        self.look()
        now_s, series = self._now_s(), Series()
        notes = self.board.notes()
        for note in notes:
            series.merge(note.series)
            worker = (str(note.worker),)
            series.add("armsreach_worker_report_age_seconds", worker, max(0.0, now_s - note.at))
            if note.committed_at:
                series.add("armsreach_worker_commit_age_seconds", worker, max(0.0, now_s - note.committed_at))
            series.add("armsreach_worker_decisions", worker, _total(note.series, "armsreach_decisions"))
            series.add("armsreach_worker_requests", worker, _total(note.series, "armsreach_request_seconds"))
            series.add("armsreach_worker_commits_failed", worker, _total(note.series, "armsreach_commits_failed"))
        series.of["armsreach_alarm"] = dict.fromkeys(series.of.get("armsreach_alarm", ()), 1)
        ages = [now_s - n.committed_at for n in notes if n.committed_at and now_s - n.at < _STALE_NOTE_S]
        if ages:
            series.add("armsreach_commit_age_seconds", (), max(0.0, *ages))
        for name, labels, value in self._readings((self.snapshots, *self.sources), now_s):
            series.add(name, labels, value)
        return series

    def _readings(self, sources: Sequence[GaugeSource], now_s: float) -> Iterator[Reading]:
        for source in sources:
            try:
                yield from source(now_s)
            except Exception:  # the others are worth as much without it
                self._gauges_failed += 1
                if self._gauges_failed == 1:
                    log.exception("a gauge cannot be read; its metrics are missing until it can")

    def _look_at_journal(self, now_s: float) -> None:
        stuck = self.commits.under_way_s > self.settings.stuck_commit_s
        self.alarms.set("journal_stuck", "", stuck, now_s)
        self.alarms.set("journal_failed", "", self.commits.failing, now_s)

    def _leave(self, now_s: float) -> None:
        self.board.write(Note(self.worker, now_s, self.commits.committed_at, self.own()))

    def _look_at_snapshots(self, now_s: float) -> None:
        limit = self.settings.stale_snapshot_s
        for name, labels, value in self._readings((self.snapshots,), now_s):
            if name == "armsreach_snapshot_age_seconds" and limit:
                self.alarms.set("snapshot_stale", labels[0], value > limit, now_s)
            elif name == "armsreach_snapshot_refused":
                self.alarms.set("snapshot_refused", labels[0], value > 0, now_s)

    def _look_at_shares(self, now_s: float) -> None:
        """Over all workers, by the first of them; the others would find the same."""
        users: dict[tuple[str, ...], float] = {}
        for note in self.board.notes():
            for labels, value in note.series.of.get("armsreach_users", {}).items():
                users[labels] = users.get(labels, 0) + (value if isinstance(value, float | int) else 0)
        for campaign, counts in list(self.decisions.campaigns.items()):
            holdout, control, rotation = counts.shares
            label = shares_label(holdout, control, rotation)
            by_group = [int(users.get((campaign, group, label), 0)) for group in GROUPS]
            self.alarms.compare_shares(campaign, (holdout, control), by_group, now_s)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            self._look_safely()
        self._look_safely()

    def _look_safely(self) -> None:
        try:
            self.look()
        except Exception:
            log.exception("looking for alarms failed; trying again in %g s", LOOK_S)


def _total(series: Series, name: str) -> float:
    """Sum over a metric's series; of a histogram, how many were counted."""
    values = series.of.get(name, {}).values()
    return sum(sum(value[:-1]) if isinstance(value, list) else value for value in values)
