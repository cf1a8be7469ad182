"""A candidate's snapshot as a policy of its sweep."""

from __future__ import annotations

from engine.core.errors import InvalidInput
from simulator.log import Log
from simulator.policies import EvaluationPolicy, PolicyAnswer, SnapshotPolicy
from simulator.sweep.hold_added import HoldAdded
from simulator.sweep.log_campaign import LogCampaign

__all__ = ["CandidatePolicy"]


class CandidatePolicy:
    """Scores rows with a snapshot, in the words of the campaign that it was learned under.

    Args:
        name: What the sweep calls it.
        path: Folder of the snapshot's version.
        campaign: The campaign, and how it names the log's arms.
        apart: Whether periods are apart in time, so that no row may be older than what the model knows. By users the
            sweep itself keeps those apart who teach and those who judge.
    """

    def __init__(self, name: str, path: str, campaign: LogCampaign, *, apart: bool) -> None:
        self.spec = name
        self._snapshot = SnapshotPolicy(path)
        self._policy: EvaluationPolicy = HoldAdded(self._snapshot)
        self._campaign, self._apart = campaign, apart

    def answer(self, log: Log) -> PolicyAnswer:
        """Give the probabilities with which the snapshot would have drawn.

        Raises:
            InvalidInput: When the log's arms or contexts are not what the snapshot knows, or the snapshot knows of the
                rows.
        """
        if self._apart and not bool(self._snapshot.judges(log).all()):
            raise InvalidInput(
                f"expected rows after all that {self.spec!r} learned, got earlier ones; this is a fault of the sweep",
                field="periods",
            )
        return self._policy.answer(self._campaign.seen(log))
