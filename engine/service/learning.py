"""Learns a campaign's model from the journal and publishes it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from engine.core.campaign import Campaign
from engine.core.catalogue import Catalogue
from engine.core.clock import Clock
from engine.core.decision import Decision
from engine.core.errors import CallerError, CorruptState, FailedPrecondition, LearningError
from engine.core.join import Joiner
from engine.core.join_rejection import Rejection
from engine.core.join_tally import JoinTally
from engine.core.joined_decision import JoinedDecision
from engine.core.outcome import Outcome
from engine.journal import Entry, Position, Positions
from engine.service.learner_report import LearnerReport
from engine.service.learning_checkpoint import Checkpoint
from engine.service.learning_clocks import ChainClocks
from engine.service.learning_dead_letters import LearningDeadLetters
from engine.service.learning_events import LEARNED_MODES, EventMaker
from engine.service.learning_settings import horizons, settings_digest
from engine.service.learning_source import JournalSource
from engine.service.learning_tally import LearningTally
from engine.service.learning_trained import Trained
from engine.service.publishing import Publication, Publisher
from engine.store import SnapshotStore, SqliteLeases
from engine.vw import LearnerProcess, VwLearner

log = logging.getLogger(__name__)

LEASE_S = 30.0
REPORT_S = 1.0
_ENTRIES_A_SLICE = 100
_LEARNED_A_FLUSH = 20_000


class Learning:
    """One campaign's learner; it belongs in a process of its own.

    What it has learned after n decisions is a function of the journal's content and n: the order comes from the join,
    and publish and save points are counted in learned decisions from the journal's start. So neither how often `step`
    is called nor where it is killed changes a weight.

    Attributes:
        campaign: The settings it learns under.
        tally: What became of the decisions that matured.
        published: What came of the last attempt to publish; None before the first.
    """

    def __init__(
        self,
        *,
        campaign: Campaign,
        reader: JournalSource,
        catalogues: Callable[[str], Catalogue],
        snapshots: SnapshotStore,
        leases: SqliteLeases,
        folder: Path,
        clock: Clock,
        holder: str,
        apart: bool = False,
    ) -> None:
        """Take the campaign's lease; nothing is read before the first `step`.

        Args:
            campaign: Its settings.
            reader: The journal.
            catalogues: Digest → catalogue; raises NotFound for one nobody knows.
            snapshots: Where to publish.
            leases: Keep a second learner of the campaign out.
            folder: For the checkpoint and the dead letters.
            clock: Dates snapshots; learning itself follows the journal's time alone.
            holder: Names this process.
            apart: Whether Vowpal Wabbit runs in a process of its own; it makes no difference to what is learned.

        Raises:
            FailedPrecondition: If another process learns this campaign.
        """
        self.campaign = campaign
        self._reader = reader
        self._catalogues = catalogues
        self._clock = clock
        self._leases = leases
        try:
            self._lease = leases.acquire(f"learner/{campaign.id}", holder, LEASE_S)
        except FailedPrecondition:
            leases.close()
            raise
        self._renewed_at = clock.now()
        self._reported_at = datetime.fromtimestamp(0, tz=self._renewed_at.tzinfo)
        self._apart = apart
        self._opened = False
        self._publisher = Publisher(snapshots, clock)
        self._path = folder / "checkpoint"
        folder.mkdir(parents=True, exist_ok=True)
        self._dead_letters = LearningDeadLetters(folder / "dead_letters.jsonl")
        self._events = EventMaker(campaign, catalogues)
        self._loaded = False
        self._saved: Callable[[], Checkpoint] | None = None
        self._trained: Callable[[], Trained] | None = None
        self._last: tuple[datetime, str] | None = None
        self.published: Publication | None = None
        self._begin(None)

    @property
    def learned(self) -> int:
        """Decisions learned since the journal's start."""
        return self._learner.learned

    @property
    def join_tally(self) -> JoinTally:
        """What became of the journal's records in the join."""
        return self._joiner.tally

    def report(self) -> LearnerReport:
        """How far it has come, for metrics."""
        return LearnerReport(
            at_s=self._clock.now().timestamp(),
            learned=self.learned,
            backlog=len(self._joiner),
            positions=Positions(self._positions.values()),
            join=asdict(self._joiner.tally),
            dead_letters=self.tally.dead_letters + self._joiner.tally.rejected,
        )

    def leave_report(self) -> None:
        """Write the report beside the checkpoint, once a second at most; learning does not depend on it."""
        now = self._clock.now()
        if abs((now - self._reported_at).total_seconds()) < REPORT_S:
            return
        self._reported_at = now
        try:
            self.report().save(self._path.parent)
        except OSError as error:
            log.warning("campaign %s: the learner's report was not written: %s", self.campaign.id, error.strerror)

    def to_bytes(self) -> bytes:
        """The model as it stands."""
        return self._learner.to_bytes()

    def step(self, most: int | None = None) -> int:
        """Learn everything that has matured since the last step.

        Args:
            most: Records to read at most; None for all there are.

        Returns:
            How many decisions were learned.

        Raises:
            FailedPrecondition: If the lease was lost, or the settings are not those that the model was learned under.
            CorruptState: If journal or checkpoint are damaged.
            Unavailable: If the disk is full or failing; the next step tries again.
        """
        self._load()
        before = self.learned
        for _ in self._read(most):
            if self.learned - self._flushed >= _LEARNED_A_FLUSH:
                self._flush()
        self._flush()
        return self.learned - before

    def rebuild(self) -> int:
        """Learn the whole journal anew under the present settings, then publish; servers keep the old model till then.

        Needed after a change of objective, features, scale, options or horizons, and to take in what was corrected
        after maturity: VW cannot unlearn.

        Returns:
            How many decisions were learned.

        Raises:
            FailedPrecondition: If the lease was lost.
            LearningError: If the compiled scores differ from VW's; nothing was published.
        """
        self._loaded = True
        self._dead_letters.cut(0)
        self._begin(None)
        for _ in self._read(None):
            pass
        last = self._last
        if last is not None and self.learned:
            trained = self._trained_at(self._learner.saved(), last[0])()
            self.published = self._publisher.publish(self.campaign, trained, self._lease, rebuilt=True)
            log.info("campaign %s rebuilt: %s", self.campaign.id, self.published)
        self._trained = None
        if self._saved is None:
            self._path.unlink(missing_ok=True)
        self._flush()
        return self.learned

    def adopt(self, campaign: Campaign) -> None:
        """Go on under changed settings that do not touch learning: variants, shares, exploration, publishing.

        Raises:
            FailedPrecondition: If objective, features, options or horizons changed.
        """
        _check_settings(campaign, settings_digest(self.campaign))
        self.campaign = campaign

    def close(self) -> None:
        """Let the lease go; what is not at a save point is learned again by the next learner."""
        self._learner.close()
        self._leases.release(self._lease)
        self._leases.close()

    def _begin(self, checkpoint: Checkpoint | None) -> None:
        campaign = self.campaign
        wait = timedelta(seconds=campaign.training_horizon_s)
        self._clocks = ChainClocks()
        self._saved = None
        self._trained = None
        self._last = None
        self.tally = LearningTally()
        if checkpoint is None:
            self._positions: dict[str, Position] = {}
            self._open_learner(None)
            self._joiner: Joiner[Position] = Joiner(horizons(campaign), campaign.attribution, wait)
        else:
            self._last = (checkpoint.matured_at, checkpoint.decision_id)
            self._positions = dict(checkpoint.positions)
            self._open_learner(checkpoint.model)
            self._joiner = Joiner(
                horizons(campaign), campaign.attribution, wait, start=checkpoint.positions, after=self._last
            )
            self._joiner.tally = JoinTally(**checkpoint.tallies["join"])
            self.tally = LearningTally(**checkpoint.tallies["learning"])
        self._flushed = self._learner.learned

    def _open_learner(self, model: bytes | None) -> None:
        options, schema = self.campaign.learning, self.campaign.schema
        if self._opened:
            self._learner.close()
        self._opened = True
        self._learner: VwLearner | LearnerProcess
        if self._apart:
            self._learner = LearnerProcess(options, schema, model)
        else:
            self._learner = (
                VwLearner(options, schema) if model is None else VwLearner.from_bytes(options, schema, model)
            )

    def _load(self) -> None:
        """Continue from the checkpoint, once."""
        if self._loaded:
            return
        checkpoint = Checkpoint.load(self._path)
        if checkpoint is not None:
            _check_settings(self.campaign, checkpoint.settings)
            self._begin(checkpoint)
            if self.learned != checkpoint.learned:
                raise CorruptState(
                    f"{self._path}: expected a model of {checkpoint.learned} decisions, got {self.learned}; relearn"
                    " with `python -m engine learn --rebuild`"
                )
        self._dead_letters.cut(checkpoint.letters if checkpoint else 0)
        self._loaded = True

    def _read(self, most: int | None) -> Iterator[None]:
        """Read on to the journal's end, or for `most` records; pauses after every slice."""
        self._renew()
        for read, (position, entry) in enumerate(self._reader.read(Positions(self._positions.values())), start=1):
            self._positions[position.chain] = position
            self._clocks.note(position, entry)
            self._joiner.feed(position, entry.recorded_at, self._of_campaign(entry))
            if read == most:
                break
            if read % _ENTRIES_A_SLICE == 0:
                self._advance(self._clocks.watermark())
                self._renew()
                yield
        else:
            self._advance(self._reader.watermark(Positions(self._positions.values())))
            return
        self._advance(self._clocks.watermark())

    def _of_campaign(self, entry: Entry) -> Decision | Outcome | None:
        record = entry.record
        if isinstance(record, Decision | Outcome) and record.campaign == self.campaign.id:
            return record
        return None

    def _advance(self, watermark: datetime | None) -> None:
        if watermark is None:
            return
        for item in self._joiner.advance(watermark):
            if isinstance(item, Rejection):
                self._dead_letters.add(item.place, item.reason)
            else:
                self._take(item)

    def _take(self, joined: JoinedDecision[Position]) -> None:
        self._last = (joined.matured_at, joined.decision.id)
        if joined.decision.mode not in LEARNED_MODES:
            self.tally.other_modes += 1
        elif len(joined.decision.eligible) == 1:
            self.tally.single_arm += 1
        else:
            self._learn(joined)

    def _learn(self, joined: JoinedDecision[Position]) -> None:
        try:
            self._learner.learn([self._events.event(joined)])
        except CallerError as error:
            self.tally.dead_letters += 1
            self._dead_letters.add(joined.place, f"decision {joined.decision.id}: {error}")
            return
        self.tally.learned += 1
        save = self.learned % self.campaign.learning.save_every == 0
        publish = self.learned % self.campaign.publishing.every_decisions == 0
        if save or publish:
            model = self._learner.saved()
            if publish:
                self._trained = self._trained_at(model, joined.matured_at)
            if save:
                self._saved = self._checkpoint(model, joined)

    def _trained_at(self, model: Callable[[], bytes], matured_at: datetime) -> Callable[[], Trained]:
        """What there is to publish now, once the model's bytes are there."""
        learned, positions, features = self.learned, Positions(self._positions.values()), self._events.features()
        return lambda: Trained(model(), learned, positions, matured_at, features)

    def _checkpoint(self, model: Callable[[], bytes], joined: JoinedDecision[Position]) -> Callable[[], Checkpoint]:
        """What a restart needs of this moment, once the model's bytes are there."""
        of_bytes = partial(
            Checkpoint,
            settings=settings_digest(self.campaign),
            learned=self.learned,
            matured_at=joined.matured_at,
            decision_id=joined.decision.id,
            positions=Positions(self._joiner.low_mark().values()),
            letters=self._dead_letters.size,
            tallies={"join": asdict(self._joiner.tally), "learning": asdict(self.tally)},
        )
        return lambda: of_bytes(model=model())

    def _flush(self) -> None:
        """Publish the newest publish point, then write the newest save point: a checkpoint never skips a publishing."""
        self._flushed = self.learned
        set_aside = self._dead_letters.flush()
        if set_aside:
            log.warning("campaign %s: %d records set aside in the dead-letter file", self.campaign.id, set_aside)
        if self._trained is not None:
            self._publish(self._trained())
            self._trained = None
        if self._saved is not None:
            self._saved().save(self._path)
            self._saved = None

    def _publish(self, trained: Trained) -> None:
        self._renew(now=True)
        try:
            self.published = self._publisher.publish(self.campaign, trained, self._lease)
        except LearningError as error:
            log.error("campaign %s: %s", self.campaign.id, error)
            self.published = Publication("", str(error), trained.learned)
            return
        log.info("campaign %s: %s", self.campaign.id, self.published)

    def _renew(self, *, now: bool = False) -> None:
        moment = self._clock.now()
        if now or abs((moment - self._renewed_at).total_seconds()) > LEASE_S / 3:
            self._leases.renew(self._lease)
            self._renewed_at = moment


def _check_settings(campaign: Campaign, learned_under: str) -> None:
    if settings_digest(campaign) != learned_under:
        raise FailedPrecondition(
            f"campaign {campaign.id!r}: objective, features, learning options or horizons have changed since its model"
            f" was learned; relearn with `python -m engine learn --rebuild --campaign {campaign.id}`"
        )
