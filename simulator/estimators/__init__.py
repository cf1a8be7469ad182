"""Estimators of what a policy would have earned, one a file, found by key."""

from collections.abc import Mapping

from simulator.estimators.bipw import Bipw
from simulator.estimators.case import Case
from simulator.estimators.clipped_ips import ClippedIps
from simulator.estimators.dm import Dm
from simulator.estimators.dr import Dr
from simulator.estimators.dros import Dros
from simulator.estimators.estimator import Estimator, Need, Ratio
from simulator.estimators.ips import Ips
from simulator.estimators.mips import Mips
from simulator.estimators.mrdr import Mrdr
from simulator.estimators.rejection import Rejection
from simulator.estimators.sg_dr import SgDr
from simulator.estimators.sg_ips import SgIps
from simulator.estimators.sndr import Sndr
from simulator.estimators.snips import Snips
from simulator.estimators.switch_dr import SwitchDr

__all__ = [
    "ESTIMATORS",
    "Bipw",
    "Case",
    "ClippedIps",
    "Dm",
    "Dr",
    "Dros",
    "Estimator",
    "Ips",
    "Mips",
    "Mrdr",
    "Need",
    "Ratio",
    "Rejection",
    "SgDr",
    "SgIps",
    "Sndr",
    "Snips",
    "SwitchDr",
]

#: In the order of the report's contract.
_ALL: tuple[Estimator, ...] = (
    Ips(),
    ClippedIps(),
    Snips(),
    Dm(),
    Dr(),
    Sndr(),
    SwitchDr(),
    Dros(),
    Mrdr(),
    Mips(),
    SgIps(),
    SgDr(),
    Bipw(),
    Rejection(),
)
ESTIMATORS: Mapping[str, Estimator] = {estimator.key: estimator for estimator in _ALL}
