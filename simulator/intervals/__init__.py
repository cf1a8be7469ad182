"""Confidence intervals of a statistic, one a file, found by name."""

from collections.abc import Mapping

from simulator.intervals.bca import BcaInterval
from simulator.intervals.betting import BettingInterval
from simulator.intervals.bootstrap import BootstrapInterval
from simulator.intervals.bootstrap_t import BootstrapTInterval
from simulator.intervals.bounds import Bounds
from simulator.intervals.delta import DeltaInterval
from simulator.intervals.empirical_bernstein import EmpiricalBernsteinInterval
from simulator.intervals.empirical_likelihood import EmpiricalLikelihoodInterval
from simulator.intervals.exact import exact_bounds
from simulator.intervals.interval import Interval
from simulator.intervals.limits import Limits

__all__ = ["INTERVALS", "Bounds", "Interval", "Limits", "exact_bounds"]

_ALL: tuple[Interval, ...] = (
    BootstrapTInterval(),
    BootstrapInterval(),
    BcaInterval(),
    DeltaInterval(),
    EmpiricalLikelihoodInterval(),
    EmpiricalBernsteinInterval(),
    BettingInterval(),
)
INTERVALS: Mapping[str, Interval] = {interval.name: interval for interval in _ALL}
