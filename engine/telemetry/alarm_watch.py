"""Looks at what was counted, away from the path of requests, and raises alarms."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from engine.core.errors import InvalidInput
from engine.core.monitoring import ChangeDetector, LowMeanDetector, ShareTest, relative_entropy
from engine.core.outcome import OutcomeType
from engine.telemetry.alarm import ALARMS
from engine.telemetry.campaign_counts import CampaignCounts, Sample

log = logging.getLogger(__name__)

SHARE_LEVEL = 0.001
"""Largest probability of a false sample-ratio alarm, over the whole run of a campaign's shares."""

DRIFT_RUN_LENGTH = 10_000.0
"""Windows to a false drift alarm, on average and at least."""

LEAST_ENTROPY = 0.05
"""Relative entropy that a policy should keep on average; 0 is the floor alone."""

ENTROPY_RUN_LENGTH = 1_000_000.0
"""Looked-at decisions to a false entropy alarm, on average and at least."""

HOLD_S = 86_400.0
"""How long an alarm of a detector that has started anew is shown."""

_WATCHED_OUTCOMES = (OutcomeType.CLICK, OutcomeType.PURCHASE)
_EXPLORING = ("squarecb", "softmax")


class AlarmWatch:
    """Alarms of one worker.

    Attributes:
        raised: (alarm, campaign) → when it was last raised, by the caller's clock.
    """

    def __init__(self, campaigns: Mapping[str, CampaignCounts], generator: np.random.Generator) -> None:
        """Watch what grows in `campaigns`."""
        self.raised: dict[tuple[str, str], float] = {}
        self._campaigns = campaigns
        self._generator = generator
        self._of: dict[str, _Detectors] = {}

    def look(self, now_s: float) -> None:
        """Take in what came since the last look; `now_s` is any steady clock, in seconds."""
        for name, counts in list(self._campaigns.items()):
            detectors = self._of.get(name)
            if detectors is None:
                detectors = self._of[name] = _Detectors(self._generator)
            for alarm in detectors.look(counts):
                self.raise_(alarm, name, now_s)
        for (alarm, campaign), since in list(self.raised.items()):
            if alarm in _PASSING and now_s - since > HOLD_S:
                self.clear(alarm, campaign)

    def compare_shares(self, campaign: str, shares: tuple[float, float], users: Sequence[int], now_s: float) -> None:
        """Test all workers' users by group against the configured shares.

        Args:
            campaign: Its id.
            shares: Holdout, and control as a share of the rest.
            users: Counts by holdout, control, champion.
            now_s: As for `look`.
        """
        holdout, control = shares
        expected = holdout, (1 - holdout) * control, (1 - holdout) * (1 - control)
        self.set("sample_ratio_mismatch", campaign, ShareTest(expected, SHARE_LEVEL).rejects(users), now_s)

    def set(self, alarm: str, campaign: str, holds: bool, now_s: float) -> None:
        """Raise an alarm while something holds."""
        if holds:
            self.raise_(alarm, campaign, now_s)
        else:
            self.clear(alarm, campaign)

    def raise_(self, alarm: str, campaign: str, now_s: float) -> None:
        """Raise it; said in the log once."""
        if (alarm, campaign) not in self.raised:
            found = ALARMS[alarm]
            where = f"campaign {campaign}: " if campaign else ""
            log.warning(
                "alarm %s: %s%s; likely: %s; do: %s", alarm, where, found.meaning, found.cause, found.action,
                extra={"alarm": alarm, "campaign": campaign},
            )  # fmt: skip
        self.raised[alarm, campaign] = now_s

    def clear(self, alarm: str, campaign: str) -> None:
        """Lower it."""
        if self.raised.pop((alarm, campaign), None) is not None:
            log.info("alarm %s is over%s", alarm, f" for campaign {campaign}" if campaign else "")


_PASSING = ("entropy_collapse", "outcome_drift", "context_drift")


class _Detectors:
    """Those of one campaign."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._entropy = LowMeanDetector(LEAST_ENTROPY, ENTROPY_RUN_LENGTH)
        self._outcomes = ChangeDetector(len(_WATCHED_OUTCOMES), generator, DRIFT_RUN_LENGTH)
        self._contexts: ChangeDetector | None = None
        self._rows: list[np.ndarray] = []
        self._last = (0, dict.fromkeys(_WATCHED_OUTCOMES, 0))
        self._columns: tuple[object, ...] = ()

    def look(self, counts: CampaignCounts) -> list[str]:
        """Names of the alarms that are to be raised."""
        raised = []
        samples = [counts.samples.popleft() for _ in range(len(counts.samples))]
        if self._collapsed(counts, samples):
            raised.append("entropy_collapse")
        if self._contexts_changed(counts, samples):
            raised.append("context_drift")
        if self._outcomes_changed(counts):
            raised.append("outcome_drift")
        return raised

    def _collapsed(self, counts: CampaignCounts, samples: Sequence[Sample]) -> bool:
        if counts.serving is None or counts.serving.campaign.exploration.kind not in _EXPLORING:
            return False  # others explore by their floor alone, as they were told to
        return self._entropy.add(
            relative_entropy(sample.counts, sample.eligible.floor) for sample in samples if sample.counts is not None
        )

    def _contexts_changed(self, counts: CampaignCounts, samples: Sequence[Sample]) -> bool:
        if counts.serving is None:
            return False
        schema = counts.serving.campaign.schema
        if self._contexts is None or self._columns != tuple(schema.user_columns):
            self._columns = tuple(schema.user_columns)
            self._rows = []
            if not self._columns:
                return False
            self._contexts = ChangeDetector(len(self._columns), self._generator, DRIFT_RUN_LENGTH)
        changed = False
        for sample in samples:
            try:
                self._rows.append(schema.encode(sample.context.embedding, sample.context.attributes))
            except InvalidInput:  # drawn under an earlier schema
                continue
            if len(self._rows) >= counts.samples_a_window:
                changed |= self._contexts.add(np.array(self._rows, dtype=np.float64).mean(axis=0))
                self._rows = []
        return changed

    def _outcomes_changed(self, counts: CampaignCounts) -> bool:
        changed = False
        for window in [counts.windows.popleft() for _ in range(len(counts.windows))]:
            before, earlier = self._last
            outcomes = {kind: window.outcomes.get(kind, 0) for kind in _WATCHED_OUTCOMES}
            decisions = window.decisions - before
            rates = [(outcomes[kind] - earlier[kind]) / decisions for kind in _WATCHED_OUTCOMES]
            self._last = window.decisions, outcomes
            changed |= self._outcomes.add(np.array(rates))
        return changed
