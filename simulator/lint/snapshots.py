"""Scores rows again with the snapshots they name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from engine.core.drawing import SCALE
from engine.core.errors import ArmsreachError
from engine.core.forgotten import is_forgotten
from simulator.lint.finding import Finding, Severity
from simulator.lint.tally import Tally
from simulator.log import Log
from simulator.policies.snapshot_policy import SnapshotPolicy

__all__ = ["RescoredSnapshots"]

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_TOLERANCE = 1e-6


class RescoredSnapshots:
    """Compares logged probabilities with those of the named snapshot, within 1e-6.

    What rounding to multiples of 2⁻²⁴ leaves is given to one arm, so that a row's tolerance is wider by 2⁻²⁴ for each
    of its eligible arms.

    Args:
        folder: Snapshots by campaign and version, as in a server's data folder.

    Attributes:
        compared: Number of decisions that were scored again.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._missing: dict[str, Tally] = {}
        self._refused: dict[str, Tally] = {}
        self._off = Tally()
        self._worst = 0.0
        self.compared = 0

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        names = _names(log)
        for name in sorted(set(names.tolist()) - {""}):
            rows = names == name
            path = self._folder / name
            if not all(map(_NAME.fullmatch, name.split("/"))) or not (path / "manifest.json").exists():
                self._missing.setdefault(name, Tally()).add(log, rows)
                continue
            named = log.select(rows)
            try:
                probabilities = SnapshotPolicy(str(path)).answer(named).probabilities
            except ArmsreachError as error:
                self._refused.setdefault(f"{name}: {error}", Tally()).add(log, rows)
                continue
            # Where no probability was kept there is the propensity.
            logged = named.probabilities.copy()
            logged[named.chosen_at] = named.propensity
            off = np.nan_to_num(np.abs(probabilities - logged), nan=0.0)
            furthest = np.maximum.reduceat(off, named.offsets[:-1])
            self._worst = max(self._worst, float(furthest.max()))
            self._off.add(named, furthest > _TOLERANCE + named.lengths / SCALE)
            self.compared += named.decisions

    def finish(self) -> Iterable[Finding]:
        """Tell which rows do not score as logged, and which could not be scored."""
        if self._off:
            yield self._off.finding(
                "rescoring_differs",
                Severity.ERROR,
                f"the named snapshot gives other probabilities than logged, by up to {self._worst:.2g}",
                "log context, embedding, eligible arms and snapshot as they were when deciding",
            )
        for reason, tally in self._refused.items():
            yield tally.finding(
                "rescoring_failed",
                Severity.WARNING,
                f"cannot be scored again with snapshot {reason}",
                "lint with the snapshots and catalogue that served the log",
            )
        for name, tally in self._missing.items():
            yield tally.finding(
                "snapshot_missing",
                Severity.WARNING,
                f"snapshot {name} is not in the folder of snapshots",
                "lint with the data folder that served the log; keep snapshots as long as logs",
            )


def _names(log: Log) -> np.ndarray:
    """Give `campaign/version` of each row, shape (n,); empty for none, and for forgotten shoppers."""
    versions = log.extra.get("snapshot")
    campaigns = log.extra.get("campaign")
    if versions is None:
        return np.full(log.rows, "", dtype=object)
    names = np.empty(log.rows, dtype=object)
    blank = np.array([*map(is_forgotten, log.users), False])[log.user]  # -1 is nobody, the last
    for row, version in enumerate(versions):
        campaign = None if campaigns is None else campaigns[row]
        named = isinstance(version, str) and version != "" and not blank[row]
        names[row] = "" if not named else f"{campaign}/{version}" if isinstance(campaign, str) else version
    return names
