"""Learns for all campaigns of a data folder, until told to stop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from engine.core.errors import ArmsreachError
from engine.service.campaigns import Campaigns
from engine.service.learning import Learning

log = logging.getLogger(__name__)


class LearningLoop:
    """Steps every campaign's learner in turn; trouble in one campaign does not stop the others."""

    def __init__(self, campaigns: Campaigns, open_learning: Callable[[str], Learning]) -> None:
        self._campaigns = campaigns
        self._open = open_learning
        self._learners: dict[str, Learning] = {}
        self._revision: int | None = None
        self._said: dict[str, type[ArmsreachError]] = {}

    def step(self) -> int:
        """One turn over all campaigns.

        Returns:
            How many decisions were learned.
        """
        learned = 0
        for campaign in self._known():
            try:
                if campaign not in self._learners:
                    self._learners[campaign] = self._open(campaign)
                learned += self._learners[campaign].step()
                self._learners[campaign].leave_report()
            except ArmsreachError as error:
                if (learner := self._learners.pop(campaign, None)) is not None:
                    learner.close()
                self._say(campaign, error)
            else:
                self._said.pop(campaign, None)
        return learned

    def run(self, stopped: Callable[[], bool], poll_s: float) -> None:
        """Step until stopped, resting while there is nothing new."""
        while not stopped():
            if not self.step():
                time.sleep(poll_s)
        self.close()

    def close(self) -> None:
        """Let all learners go, checkpoints written."""
        for learner in self._learners.values():
            learner.close()
        self._learners.clear()

    def _known(self) -> list[str]:
        """Campaign ids; learners of changed campaigns go on, or stop where only a rebuild can follow the change."""
        revision = self._campaigns.revision_of_all()
        if revision != self._revision:
            self._revision = revision
            for campaign, learner in list(self._learners.items()):
                self._adopt(campaign, learner)
        return [stored.campaign.id for stored in self._campaigns.all()]

    def _adopt(self, campaign: str, learner: Learning) -> None:
        try:
            learner.adopt(self._campaigns.get(campaign).campaign)
        except ArmsreachError as error:
            learner.close()
            del self._learners[campaign]
            self._say(campaign, error)

    def _say(self, campaign: str, trouble: ArmsreachError) -> None:
        """Say a kind of trouble once: its text may count seconds, and the loop meets it several times in each."""
        if self._said.get(campaign) is not type(trouble):
            log.error("campaign %s does not learn: %s", campaign, trouble)
            self._said[campaign] = type(trouble)
