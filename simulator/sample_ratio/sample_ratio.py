"""Whether arms were drawn as often as the log's propensities say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.arrays import FloatArray, IntArray
from simulator.holm import holm
from simulator.keyed_hash import hash_strings, uniform
from simulator.log import NO_TIME, Log
from simulator.sample_ratio.alarm import SampleRatioAlarm
from simulator.sample_ratio.bets import Bets
from simulator.sample_ratio.cells import Cells
from simulator.sample_ratio.counts import Counts
from simulator.sample_ratio.draws import APART, Draws, complete_probabilities, drawn_rows, user_hashes
from simulator.sample_ratio.family import Family, bet_family, by_period, count_family
from simulator.sample_ratio.periods import SLOTS
from simulator.sample_ratio.users_seen import UsersSeen

__all__ = ["SampleRatio"]

ALARM = 1e-4
_UNIFORM = 1e-3
_DISORDER = 0.01
_REPEATED = 0.05


class SampleRatio:
    """Compares counts with Σp and variance Σp(1 − p): overall, by period, and within each context column.

    Chunks are added one by one, in the log's order; memory does not grow with the log. Rows with one eligible arm and
    rows of holdout, shadow and forced modes are left out, `count` is honoured. Per row:

    - All probabilities known (kept, or all but one): counts are tested (see `count_p_value`), both tails.
    - Only the chosen arm's known, and 1 / K in every such row of the log: the policy is taken to be uniform.
    - Only the chosen arm's known otherwise: mean weights are tested (see `Bets`), one-sided, on the first row of each
      user; not at all where users repeat and the log is not in the order of time, since no row is the first then.

    Periods are of time (see `Periods`); cells of a column are levels of strings and booleans and quantile bins of
    numbers. Counts of a cell's arms depend on each other, and cells overlap: Holm's adjustment over all tests allows
    any dependence. Draws may depend on everything before them (adaptive logging). Where users rather than decisions
    were assigned, variances are multiplied by how much more users' draws vary (see `Dispersion`).

    Source: Fabijan et al., "Diagnosing sample ratio mismatch in online controlled experiments" (2019), for fixed
    probabilities.

    Args:
        level: Alarms have adjusted p-values below this.

    Attributes:
        tested: Number of tests that the last `finish` adjusted for.
        decisions: Number of decisions that the last `finish` tested.
        untested: Number of drawn decisions that it could not test.
        dispersion: Variance of users' draws over that of independent ones, as it found it; mostly 1.
    """

    def __init__(self, level: float = ALARM) -> None:
        self._level = level
        self._arms: dict[str, int] = {}
        self._sides: FloatArray = np.zeros(0)
        self._cells = Cells()
        self._seen = UsersSeen()
        self._known, self._uniform, self._bets = Counts(), Counts(), Bets()
        self._all_uniform = True
        self._latest = NO_TIME
        self._drawn = self._disordered = self._rows = self._with_user = 0
        self.tested, self.decisions, self.untested, self.dispersion = 0, 0, 0, 1.0

    def add(self, log: Log) -> None:
        """Take the next chunk of the log."""
        codes = self._codes(log.arms)
        for rows in drawn_rows(log):
            if rows.rows:
                self._add(rows, codes)

    def finish(self) -> list[SampleRatioAlarm]:
        """List the alarms, most certain first; [] when all counts fit."""
        families = [*self._count_families(), *self._bet_families()]
        self.untested = self._drawn - self.decisions
        adjusted = holm(np.concatenate([np.zeros(0), *(family.p for family in families)]))
        self.tested = adjusted.size
        alarms, start = [], 0
        for family in families:
            own = adjusted[start : start + family.p.size]
            start += family.p.size
            found = np.flatnonzero(own < self._level).tolist()
            alarms += [self._alarm(family, place, float(own[place])) for place in found]
        return sorted(alarms, key=_certainty)

    def _codes(self, arms: tuple[str, ...]) -> IntArray:
        codes = np.array([self._arms.setdefault(arm, len(self._arms)) for arm in arms], dtype=np.int64)
        if len(self._arms) > self._sides.size:
            new = list(self._arms)[self._sides.size :]
            self._sides = np.concatenate((self._sides, 2.0 * uniform(hash_strings(new, "side")) - 1.0))
        return codes

    def _add(self, log: Log, codes: IntArray) -> None:
        place = self._cells.room(log)
        if place is not None:
            for sums in (self._known, self._uniform, self._bets):
                sums.move(place)
        cells = self._cells.of(log)
        p, known = complete_probabilities(log)
        draws = Draws(
            arm=codes[log.arm],
            propensity=log.propensity,
            eligible=codes[log.eligible],
            p=p,
            row_of=log.row_of,
            count=log.count.astype(np.float64),
            cells=cells,
            cell_count=self._cells.size,
            user=user_hashes(log),
            sides=self._sides,
        )
        first = self._seen.first(draws.user)
        self._note_order(log)
        if known.all():
            self._known.add(draws)
            return
        self._known.add(draws.select(known))
        equal = 1.0 / log.lengths
        self._all_uniform &= bool((np.abs(log.propensity - equal) <= _UNIFORM * equal)[~known].all())
        self._bets.add(draws.select(~known & first))
        if self._all_uniform:
            draws.p[:] = equal[draws.row_of]
            self._uniform.add(draws.select(~known))

    def _note_order(self, log: Log) -> None:
        latest = np.maximum.accumulate(np.concatenate(([self._latest], log.decided_at)))
        self._latest = int(latest[-1])
        self._disordered += int(np.sum((log.decided_at == NO_TIME) | (log.decided_at < latest[:-1])))
        self._rows += log.rows
        self._with_user += int(np.sum(log.user >= 0))
        self._drawn += log.decisions

    def _count_families(self) -> list[Family]:
        counts = self._known
        if self._all_uniform:
            counts.merge(self._uniform)
            self._uniform = Counts()
        self.decisions = round(counts.decisions)
        self.dispersion, degrees = counts.dispersion.factor(self._seen.users)
        if not counts.decisions:
            return []
        overall, slots, columns = counts.overall[:, None], counts.cells[:, :SLOTS], counts.cells[:, SLOTS:]
        period, periods = self._cells.periods.grouped(slots[0].sum(axis=1))
        parts = {"overall": overall, "period": by_period(slots, period, periods), "column": columns}
        return [count_family(kind, sums, period, self.dispersion, degrees) for kind, sums in parts.items()]

    def _bet_families(self) -> list[Family]:
        bets = self._bets
        repeat = self._seen.users < (1.0 - _REPEATED) * self._with_user
        ordered = self._disordered <= _DISORDER * self._rows
        if self._all_uniform or not bets.decisions or (repeat and not ordered):
            return []
        self.decisions += round(bets.decisions)
        period, periods = self._cells.periods.grouped(bets.by_slot)

        def of(kind: str, part: Callable[[FloatArray], FloatArray]) -> Family:
            return bet_family(kind, part(bets.gains), part(bets.sums), period)

        return [
            of("overall", lambda sums: sums[:, :SLOTS].sum(axis=1, keepdims=True)),
            of("period", lambda sums: by_period(sums[:, :SLOTS], period, periods)),
            of("column", lambda sums: sums[:, SLOTS:]),
        ]

    def _alarm(self, family: Family, place: int, adjusted: float) -> SampleRatioAlarm:
        where, column, line = self._named(family, int(family.cell[place]))
        arm = int(family.arm[place])
        return SampleRatioAlarm(
            where=where,
            column=column,
            arm="other arms" if family.pooled and arm == APART else list(self._arms)[arm],
            line=line,
            decisions=round(float(family.possible[place])),
            expected=float(family.expected[place]),
            observed=float(family.observed[place]),
            z=float(family.z[place]),
            p=float(family.p[place]),
            p_adjusted=adjusted,
        )

    def _named(self, family: Family, cell: int) -> tuple[str, str, int]:
        """Give the name of a cell, that of its column, and its first line."""
        cells = self._cells
        if family.kind == "overall":
            return "overall", "", cells.line(slice(SLOTS))
        if family.kind == "column":
            cell += SLOTS
            return cells.label(cell), cells.column(cell), cells.line(slice(cell, cell + 1))
        slots = np.flatnonzero(family.period == cell)
        name = f"period {cell + 1} of {family.period.max() + 1}, from {cells.periods.start(int(slots[0]))}"
        return name, "period", cells.line(slots)


def _certainty(alarm: SampleRatioAlarm) -> tuple[float, bool, str, str]:
    # Where a cell holds the whole log, its sums are the overall ones but for the order of adding.
    return float(f"{alarm.p:.9e}"), alarm.where != "overall", alarm.where, alarm.arm
