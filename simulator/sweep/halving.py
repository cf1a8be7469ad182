"""Successive halving: many candidates on few rows, the better ones on more."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from simulator.sweep.measured import Measured
from simulator.sweep.selection import Bounded, critical_value, simultaneous

__all__ = ["Halving", "Rung", "rung_fractions"]

_MOST_RUNGS = 3
_FEWEST = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Rung:
    """One round.

    Attributes:
        number: From 0.
        measured: Candidate → what was measured, all that took part.
        bounds: Their lifts, bounded jointly.
        kept: Those that go on, best first; of the last rung all, in this order.
        critical: How many standard errors wide the joint bounds are.
    """

    number: int
    measured: Mapping[str, Measured]
    bounds: Mapping[str, Bounded]
    kept: tuple[str, ...]
    critical: float


@dataclass(frozen=True, slots=True)
class Halving:
    """Values candidates rung by rung and drops the worse ones by the lower bound of their lift.

    It is deterministic: ties go by the order of the candidates. A candidate that was dropped is never valued on rows
    that could show it in a better light, so the bounds of each rung stand for themselves.

    Source: Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization" (2016);
    with lower bounds in place of values, so that what hardly matched the log does not go on by luck.

    Attributes:
        fractions: Share of the rows that each rung uses, rising to 1.
        keep: Share of the candidates that goes on.
        level: Joint level of all bounds, over candidates and rungs.
        less: Whether less of the metric is better.
    """

    fractions: tuple[float, ...]
    keep: float = 0.5
    level: float = 0.95
    less: bool = False

    def run(self, names: Sequence[str], value: Callable[[Sequence[str], int], Mapping[str, Measured]]) -> list[Rung]:
        """Run all rungs.

        Args:
            names: The candidates, at least one.
            value: Values candidates on a rung's rows.
        """
        rungs: list[Rung] = []
        alive = list(names)
        for number in range(len(self.fractions)):
            found = value(alive, number)
            measured = {name: found[name] for name in alive}
            critical = critical_value(list(measured.values()), self.level, len(self.fractions), len(names))
            bounds = simultaneous(measured, critical, self.level, less=self.less)
            best_first = sorted(alive, key=lambda name: (not measured[name].believed, -bounds[name].own_low))
            last = number == len(self.fractions) - 1
            kept = tuple(best_first if last else best_first[: max(1, math.ceil(self.keep * len(alive)))])
            rungs.append(Rung(number, measured, bounds, kept, critical))
            alive = [name for name in alive if name in kept]
        return rungs


def rung_fractions(rungs: int, keep: float, decisions: int) -> tuple[float, ...]:
    """Say which share of the rows each rung uses: `keep` of the next one's.

    Args:
        rungs: How many; 0 for up to three, as long as the first one has 1,000 decisions.
        keep: Share of the candidates that goes on.
        decisions: In the select period.

    >>> rung_fractions(3, 0.5, 0), rung_fractions(0, 0.5, 2500), rung_fractions(0, 0.5, 900)
    ((0.25, 0.5, 1.0), (0.5, 1.0), (1.0,))
    """
    if not rungs:
        rungs = next((n for n in range(_MOST_RUNGS, 1, -1) if decisions * keep ** (n - 1) >= _FEWEST), 1)
    return tuple(keep ** (rungs - 1 - number) for number in range(rungs))
