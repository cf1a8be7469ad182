"""What has to be known of a whole log before any policy is valued on it: one pass over its chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from simulator.arrays import BoolArray, FloatArray, IntArray
from simulator.capped_channels import capped_channels
from simulator.clusters import Clusters, Membership
from simulator.context_features import ContextFeatures, ContextSurvey
from simulator.estimated_rows import estimated_rows
from simulator.horizons import Horizons
from simulator.log import HOLD, MODES, NO_TIME, VALUED_MODES, Log
from simulator.log_parts import is_several, most_parts, parted, parts_of
from simulator.log_source import LogSource
from simulator.quantities import Quantities
from simulator.report.replay_report import CAVEAT, LogSummary
from simulator.sample_ratio import SampleRatio, SampleRatioAlarm
from simulator.timestamps import rfc3339

__all__ = ["LogFacts"]


@dataclass(frozen=True, slots=True, eq=False)
class LogFacts:
    """A log's summary, and what its valued rows (live, control, fallback; n of them) share.

    Attributes:
        log: The log.
        summary: For the report, over rows of all modes.
        parts: Into how many parts rows of many decisions without a user are parted.
        clusters: Users of the valued rows, parted.
        decided_at: Of the valued rows, parted, microseconds since the epoch, shape (n,).
        count: Decisions of each valued row, parted, shape (n,).
        plays: Decisions in which each arm was played, shape (arms,).
        kinds: Outcome types that occur.
        hold_eligible: Whether `hold` could be played.
        capped: Channels with arms excluded for a cap or a budget.
        features: How contexts are encoded for reward models.
        least_propensity: Of the rows with a choice; 1 where there is none.
        lags: Longest time seen between a decision and its outcomes, by type.
        alarms: Where arms were drawn more or less often than the propensities say.
        snapshots: How many snapshots, at most 2 counted, decided: more than one makes the log adaptive.
        estimated: Decisions with a choice whose propensity is an estimate.
    """

    log: LogSource
    summary: LogSummary
    parts: int
    clusters: Clusters
    decided_at: IntArray
    count: IntArray
    plays: FloatArray
    kinds: frozenset[str]
    hold_eligible: bool
    capped: frozenset[str]
    features: ContextFeatures
    least_propensity: float
    lags: Horizons
    alarms: tuple[SampleRatioAlarm, ...]
    snapshots: int
    estimated: int

    @classmethod
    def of(cls, log: LogSource, *, cluster: str | None, reward_max: float | None, as_of: int | None = None) -> LogFacts:
        """Read the log once.

        Args:
            log: The log, narrowed.
            cluster: Column to cluster by, instead of the user.
            reward_max: Where revenue is cut off, for the warning that says how often.
            as_of: Where outcomes were cut off in time and no delay was stated, for the warning that says so.
        """
        survey = _Survey(log, cluster, reward_max, as_of)
        for chunk in log.chunks():
            survey.add(chunk)
        return survey.facts()

    def wait_us(self, delay_us: int) -> int:
        """How long outcomes take: as stated, or else the longest lag that the log shows."""
        return delay_us or max(self.lags.by_kind.values(), default=0)

    @property
    def rows(self) -> int:
        """Number of valued rows, parted, n."""
        return int(self.count.size)

    @property
    def hold_played(self) -> bool:
        """Whether `hold` was ever chosen."""
        return HOLD in self.log.arms and bool(self.plays[self.log.arms.index(HOLD)])

    def chunks(self) -> Iterator[Log]:
        """Yield the valued rows, parted; `place` of each chunk is that among all n."""
        start = 0
        for chunk in self.log.chunks():
            valued = chunk.select(chunk.valued)
            if valued.rows:
                valued = parted(valued, self.parts)
                yield replace(valued, first=start)
                start += valued.rows


class _Survey:
    def __init__(self, log: LogSource, cluster: str | None, reward_max: float | None, as_of: int | None) -> None:
        self._log, self._cluster, self._reward_max, self._as_of = log, cluster, reward_max, as_of
        self._modes = np.zeros(len(MODES), dtype=np.int64)
        self._single = self._cut_off = self._several = self._estimated = 0
        self._first, self._last = np.iinfo(np.int64).max, NO_TIME
        self._eligible = np.zeros(len(log.arms), dtype=bool)
        self._plays = np.zeros(len(log.arms))
        self._members: list[Membership] = []
        self._others: list[np.ndarray] = []
        self._decided: list[IntArray] = []
        self._is_several: list[BoolArray] = []
        self._kinds: set[str] = set()
        self._capped: set[str] = set()
        self._snapshots: set[str] = set()
        self._hold_eligible = self._slates = False
        self._clustered = True
        self._context = ContextSurvey()
        self._lags = Horizons()
        self._least = 1.0
        self._ratio = SampleRatio()
        self._alarms: list[SampleRatioAlarm] = []

    def add(self, chunk: Log) -> None:
        self._ratio.add(chunk)
        self._modes += np.bincount(chunk.mode, weights=chunk.count, minlength=len(MODES)).astype(np.int64)
        self._single += int(chunk.count[chunk.lengths == 1].sum())
        times = chunk.decided_at[chunk.decided_at != NO_TIME]
        if times.size:
            self._first, self._last = min(self._first, int(times.min())), max(self._last, int(times.max()))
        self._eligible[chunk.eligible] = True
        self._several += int(is_several(chunk).sum())
        self._slates |= any(_stated(chunk, name) for name in ("position", "slate"))
        if self._reward_max is not None:
            self._cut_off += Quantities(chunk, reward_max=self._reward_max).cut_off
        members, rows = Membership.of(chunk, self._cluster), chunk.valued
        self._clustered &= bool(members.known.all())
        users = Membership.of(chunk) if self._cluster else members
        self._others.append(np.unique(users.label[users.known]))
        self._members.append(Membership(members.label[rows], members.known[rows], chunk.count[rows], chunk.part[rows]))
        self._add_valued(chunk.select(rows))

    def _add_valued(self, valued: Log) -> None:
        if not valued.rows:
            return
        self._decided.append(valued.decided_at)
        self._is_several.append(is_several(valued))
        self._plays += np.bincount(valued.arm, weights=valued.count, minlength=self._plays.size)
        self._kinds |= {valued.outcomes.kinds[kind] for kind in np.unique(valued.outcomes.kind)}
        hold = valued.code(HOLD)
        self._hold_eligible |= hold is not None and bool((valued.eligible == hold).any())
        self._capped |= capped_channels(valued)
        self._context.add(valued)
        self._least = min(self._least, float(valued.propensity[valued.lengths > 1].min(initial=1.0)))
        self._lags = self._lags.union(Horizons.seen_in(valued))
        self._estimated += int(valued.count[estimated_rows(valued)].sum())
        if len(self._snapshots) < 2 and "snapshot" in valued.extra:
            self._snapshots |= {str(value) for value in valued.extra["snapshot"] if value is not None}

    def facts(self) -> LogFacts:
        self._alarms = self._ratio.finish()
        members = Membership.joined(self._members)
        decided = np.concatenate(self._decided) if self._decided else np.zeros(0, dtype=np.int64)
        most = most_parts(self._several)
        if most > 1:
            several = np.concatenate(self._is_several)
            index, part, count = parts_of(np.where(several, np.minimum(members.count, most), 1), members.count)
            members, decided = Membership(members.label[index], members.known[index], count, part), decided[index]
        return LogFacts(
            log=self._log,
            summary=self._summary(),
            parts=most,
            clusters=Clusters.grouping(members),
            decided_at=decided,
            count=members.count,
            plays=self._plays,
            kinds=frozenset(self._kinds),
            hold_eligible=self._hold_eligible,
            capped=frozenset(self._capped),
            features=self._context.features(),
            least_propensity=self._least,
            lags=self._lags,
            alarms=tuple(self._alarms),
            snapshots=len(self._snapshots),
            estimated=self._estimated,
        )

    def _summary(self) -> LogSummary:
        users = np.unique(np.concatenate(self._others)) if self._others else np.zeros(0)
        return LogSummary(
            decisions=int(self._modes.sum()),
            users=int(users.size),
            arms=int(self._eligible.sum()),
            modes={mode: int(count) for mode, count in zip(MODES, self._modes, strict=True) if count},
            single_arm=self._single,
            first=rfc3339(self._first) if self._last != NO_TIME else None,
            last=rfc3339(self._last) if self._last != NO_TIME else None,
            warnings=(CAVEAT, *self._log.warnings, *self._warnings()),
        )

    def _young(self) -> int:
        """Decisions whose outcomes --as-of may have cut off, where no delay says how long they take."""
        if self._as_of is None or not self._decided:
            return 0
        decided = np.concatenate(self._decided)
        lag = max(self._lags.by_kind.values(), default=0)
        count = np.concatenate([part.count for part in self._members])
        return int(count[(decided != NO_TIME) & (decided + lag > self._as_of)].sum()) if lag else 0

    def _warnings(self) -> list[str]:
        warnings = []
        apart = [
            f"{count} {mode}"
            for mode, count in zip(MODES, self._modes.tolist(), strict=True)
            if count and mode not in VALUED_MODES
        ]
        if apart:
            warnings.append(f"left out of policy values: {', '.join(apart)}")
        if not self._clustered:
            warnings.append("decisions without a user are taken as independent: intervals are unclustered for them")
        if self._estimated:
            warnings.append(
                f"estimated propensity: that of {self._estimated} decisions comes from a model of the logging policy; "
                "values are right only if the context has everything that it looked at, and bands say how far they move"
            )
        if self._slates:
            warnings.append("slates are judged per position: no effect of one position on another is estimated")
        young = self._young()
        if young:
            warnings.append(
                f"{young} decisions are younger at --as-of than the longest time an outcome took; they count as they "
                "stand: give --delay to leave them out"
            )
        if self._alarms:
            more = f" (and {len(self._alarms) - 1} more; see lint)" if len(self._alarms) > 1 else ""
            warnings.append(f"sample ratio: {self._alarms[0]}{more}")
        if self._cut_off:
            warnings.append(f"revenue of {self._cut_off} rows is cut off at {self._reward_max:g} (--reward-max)")
        return warnings


def _stated(log: Log, name: str) -> bool:
    return name in log.extra and any(value is not None for value in log.extra[name])
