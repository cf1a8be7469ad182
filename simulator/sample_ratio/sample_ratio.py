"""Whether arms were drawn as often as the log's propensities say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from simulator.arrays import FloatArray, IntArray
from simulator.holm import holm
from simulator.keyed_hash import hash_strings, uniform
from simulator.log import Log
from simulator.sample_ratio.alarm import SampleRatioAlarm
from simulator.sample_ratio.bets import Bets
from simulator.sample_ratio.cells import PERIODS, Cells
from simulator.sample_ratio.counts import Counts
from simulator.sample_ratio.draws import APART, Draws, complete_probabilities, drawn_rows, user_hashes
from simulator.sample_ratio.tail import count_p_value
from simulator.sample_ratio.users_seen import UsersSeen

__all__ = ["SampleRatio"]

ALARM = 1e-4
_UNIFORM = 1e-3
_LEAST = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class _Tests:
    """Tests of one family; cell −1 is the log as a whole. All of shape (m,)."""

    cell: IntArray
    arm: IntArray
    possible: FloatArray
    expected: FloatArray
    observed: FloatArray
    z: FloatArray
    p: FloatArray


class SampleRatio:
    """Compares counts with Σp and variance Σp(1 − p): overall, by period, and within each context column.

    Chunks are added one by one, in the log's order; memory does not grow with the log. Rows with one eligible arm and
    rows of holdout, shadow and forced modes are left out, `count` is honoured. Per row:

    - All probabilities known (kept, or all but one): counts are tested (see `count_p_value`), both tails.
    - Only the chosen arm's known, and 1 / K in every such row of the log: the policy is taken to be uniform.
    - Only the chosen arm's known otherwise: mean weights are tested (see `Bets`), one-sided, a user's first row only.

    Periods hold equally many decisions; cells of a column are levels of strings and booleans and quantile bins of
    numbers. Counts of a cell's arms depend on each other, and cells overlap: Holm's adjustment over all tests allows
    any dependence. Draws may depend on everything before them (adaptive logging). Where users rather than decisions
    were assigned, variances are multiplied by how much more users' draws vary (see `Dispersion`).

    Source: Fabijan et al., "Diagnosing sample ratio mismatch in online controlled experiments" (2019), for fixed
    probabilities.

    Args:
        level: Alarms have adjusted p-values below this.
    """

    def __init__(self, level: float = ALARM) -> None:
        self._level = level
        self._arms: dict[str, int] = {}
        self._sides: FloatArray = np.zeros(0)
        self._cells = Cells()
        self._seen = UsersSeen()
        self._known, self._uniform, self._bets = Counts(), Counts(), Bets()
        self._all_uniform = True
        self._dispersion, self._tested, self._decisions = 1.0, 0, 0.0

    def add(self, log: Log) -> None:
        """Take the next chunk of the log."""
        codes = self._codes(log.arms)
        for rows in drawn_rows(log):
            if rows.rows:
                self._add(rows, codes)

    def finish(self) -> list[SampleRatioAlarm]:
        """List the alarms, most certain first; [] when all counts fit."""
        tests = [*self._count_tests(), *self._bet_tests()]
        p = np.concatenate([np.zeros(0), *(family.p for family in tests)])
        adjusted = holm(p)
        self._tested = p.size
        alarms, start = [], 0
        for family in tests:
            own = adjusted[start : start + family.p.size]
            start += family.p.size
            found = np.flatnonzero(own < self._level).tolist()
            alarms += [self._alarm(family, place, float(own[place])) for place in found]
        return sorted(alarms, key=lambda alarm: (alarm.p, alarm.where != "overall", alarm.where, alarm.arm))

    @property
    def tested(self) -> int:
        """Number of tests that the last `finish` adjusted for."""
        return self._tested

    @property
    def decisions(self) -> float:
        """Number of decisions that the last `finish` tested."""
        return self._decisions

    @property
    def dispersion(self) -> float:
        """Variance of users' draws over that of independent ones, as the last `finish` found it; mostly 1."""
        return self._dispersion

    def _codes(self, arms: tuple[str, ...]) -> IntArray:
        codes = np.array([self._arms.setdefault(arm, len(self._arms)) for arm in arms], dtype=np.int64)
        if len(self._arms) > self._sides.size:
            new = list(self._arms)[self._sides.size :]
            self._sides = np.concatenate((self._sides, 2.0 * uniform(hash_strings(new, "side")) - 1.0))
        return codes

    def _add(self, log: Log, codes: IntArray) -> None:
        for _ in range(self._cells.joinings(log.decisions)):
            for sums in (self._known, self._uniform, self._bets):
                sums.join_periods()
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

    def _count_tests(self) -> list[_Tests]:
        counts = self._known
        if self._all_uniform:
            counts.merge(self._uniform)
            self._uniform = Counts()
        self._dispersion, degrees = counts.dispersion.factor(self._seen.users)
        self._decisions = counts.decisions
        cells, groups = np.nonzero(np.ones(counts.cells.shape[1:], dtype=bool))
        arms = np.arange(counts.overall.shape[1])
        families = [
            (np.full(arms.size, -1), arms, counts.overall),
            (cells, groups, counts.cells.reshape(4, -1)),
        ]
        return [self._counted(*family, degrees) for family in families]

    def _counted(self, cell: IntArray, arm: IntArray, sums: FloatArray, degrees: float) -> _Tests:
        observed, possible, expected, squares = sums
        varies = expected - squares > _LEAST
        # What cannot vary and yet did is no matter of chance.
        tried = varies | (np.abs(observed - expected) > 0.5)
        cell, arm = cell[tried], arm[tried]
        observed, possible, expected, squares = (values[tried] for values in sums)
        variance = np.maximum(expected - squares, _LEAST)
        z = (observed - expected) / np.sqrt(variance * self._dispersion)
        p = count_p_value(observed, possible, expected, squares)
        if self._dispersion > 1.0:
            p = np.maximum(p, 2.0 * student.sf(np.abs(z), degrees))
        p = np.where(varies[tried], p, 0.0)
        return _Tests(cell, arm, possible, expected, observed, z, p)

    def _bet_tests(self) -> list[_Tests]:
        bets = self._bets
        if self._all_uniform or not bets.gains.size:
            return []
        self._decisions += bets.decisions
        overall = bets.gains[:, :PERIODS].sum(axis=1, keepdims=True), bets.sums[:, :PERIODS].sum(axis=1, keepdims=True)
        gains = np.concatenate((overall[0], bets.gains), axis=1)
        sums: NDArray[np.float64] = np.concatenate((overall[1], bets.sums), axis=1)
        cell, arm = np.nonzero(sums[0] > 0)
        expected, observed, variance = sums[:, cell, arm]
        z = (observed - expected) / np.sqrt(np.maximum(variance, _LEAST))
        return [_Tests(cell - 1, arm, expected, expected, observed, z, Bets.p_values(gains[:, cell, arm]))]

    def _alarm(self, tests: _Tests, place: int, adjusted: float) -> SampleRatioAlarm:
        cell, arm = int(tests.cell[place]), int(tests.arm[place])
        pooled = cell >= 0 and arm == APART
        return SampleRatioAlarm(
            where="overall" if cell < 0 else self._cells.label(cell),
            column="" if cell < 0 else self._cells.column(cell),
            arm="other arms" if pooled else list(self._arms)[arm],
            line=self._cells.line(cell),
            decisions=round(float(tests.possible[place])),
            expected=float(tests.expected[place]),
            observed=float(tests.observed[place]),
            z=float(tests.z[place]),
            p=float(tests.p[place]),
            p_adjusted=adjusted,
        )
