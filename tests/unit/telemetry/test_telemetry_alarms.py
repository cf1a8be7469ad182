"""From blocks to alarms: calm streams raise none, and what each is for raises it once."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from engine.core.campaign import Campaign
from engine.core.context import Context
from engine.core.decision import Mode
from engine.core.decision_block import DecisionBlock
from engine.core.drawing import quantise
from engine.core.keyed_hash import KeyedHash
from engine.core.outcome import Outcome, OutcomeType
from engine.core.reading import read
from engine.service.deciding import Deciding
from engine.service.requests import DecideRequest
from engine.service.serving import Serving
from engine.telemetry.alarm import ALARMS
from engine.telemetry.alarm_watch import HOLD_S, AlarmWatch
from engine.telemetry.decision_counts import DecisionCounts
from engine.telemetry.seen_users import SeenUsers

AT = datetime(2026, 6, 1, tzinfo=UTC)
WINDOW = 640


class Stream:
    """Blocks of 64 live decisions, of which one is looked at."""

    def __init__(self, kind: str = "squarecb", seed: int = 1) -> None:
        texts = {"email": {"text": "t"}}
        settings = {
            "id": "promo",
            "schema": {"dimension": 3},
            "channels": [{"id": "email"}],
            "slots": [{"id": "now"}],
            "variants": [{"id": f"v{i}", "state": "approved", "channels": texts} for i in range(4)],
            "exploration": {"kind": kind},
            "shares": {"control": 0.0},
        }
        self.serving = Serving(read(Campaign, settings), 1, None)
        self.counts = DecisionCounts(SeenUsers(1 << 10), WINDOW)
        self.watch = AlarmWatch(self.counts.campaigns, np.random.default_rng(seed))
        self.generator = np.random.default_rng(seed)
        request = DecideRequest("promo", "u", Context(np.zeros(3, dtype=np.float32)), "r")
        self.pattern = Deciding(KeyedHash(bytes(16))).decide(self.serving, [request] * 64, [AT] * 64)

    def block(self, collapsed: bool, shift: float) -> DecisionBlock:
        k = len(self.serving.catalogue)
        policy = np.eye(k)[np.ones(64, dtype=int)] if collapsed else self.generator.dirichlet(np.ones(k), size=64)
        floor = np.array([one.floor for one in self.pattern.sets])
        contexts = [Context(self.generator.normal(shift, 1.0, size=3).astype(np.float32)) for _ in range(64)]
        counts = quantise(0.95 * policy + floor)
        return replace(self.pattern, modes=[Mode.LIVE] * 64, counts=counts, contexts=contexts)

    def run(self, blocks: int, *, collapsed: bool = False, shift: float = 0.0, rate: float = 0.05) -> set[str]:
        for _ in range(blocks):
            clicks = self.generator.binomial(64, rate)
            outcomes = [Outcome(id="o", campaign="promo", type=OutcomeType.CLICK, at=AT, decision_id="d")] * clicks
            self.counts.reported("promo", outcomes, 0)
            self.counts.decided(self.block(collapsed, shift), self.serving, "Decide", 0.0, 0.0)
        self.counts.count()
        self.watch.look(0.0)
        return {alarm for alarm, _ in self.watch.raised}


def test_a_calm_stream_raises_nothing() -> None:
    assert Stream().run(1_000) == set()


def test_a_collapsed_policy() -> None:
    stream = Stream()
    assert stream.run(200) == set()
    assert stream.run(350, collapsed=True) == {"entropy_collapse"}


def test_a_policy_that_was_told_to_be_greedy_may_be() -> None:
    assert Stream("epsilon_greedy").run(400, collapsed=True) == set()


def test_contexts_that_move() -> None:
    stream = Stream()
    assert stream.run(500) == set()
    assert stream.run(150, shift=1.5) == {"context_drift"}


def test_outcomes_that_stop() -> None:
    stream = Stream()
    assert stream.run(500) == set()
    assert stream.run(150, rate=0.0) == {"outcome_drift"}


def test_said_once_and_shown_for_a_day(caplog: pytest.LogCaptureFixture) -> None:
    watch = AlarmWatch({}, np.random.default_rng(0))
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            watch.raise_("context_drift", "promo", 0.0)
        watch.look(HOLD_S)
        assert watch.raised
        watch.look(HOLD_S + 1)
    assert not watch.raised
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert ALARMS["context_drift"].action in caplog.text


def test_shares_that_do_not_fit_and_then_do() -> None:
    watch = AlarmWatch({}, np.random.default_rng(0))
    watch.compare_shares("promo", (0.1, 0.05), (1_000, 450, 8_550), 0.0)
    assert not watch.raised
    watch.compare_shares("promo", (0.1, 0.05), (700, 450, 8_850), 0.0)
    assert set(watch.raised) == {("sample_ratio_mismatch", "promo")}
    watch.compare_shares("promo", (0.1, 0.05), (0, 0, 0), 0.0)
    assert not watch.raised
