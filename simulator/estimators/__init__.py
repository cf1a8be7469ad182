"""Estimators of what a policy would have earned, one a file, found by key."""

from collections.abc import Mapping

from simulator.estimators.case import Case
from simulator.estimators.dm import Dm
from simulator.estimators.dr import Dr
from simulator.estimators.estimator import Estimator, Need, Ratio
from simulator.estimators.ips import Ips
from simulator.estimators.snips import Snips

__all__ = ["ESTIMATORS", "Case", "Dm", "Dr", "Estimator", "Ips", "Need", "Ratio", "Snips"]

ESTIMATORS: Mapping[str, Estimator] = {estimator.key: estimator for estimator in (Ips(), Snips(), Dm(), Dr())}
