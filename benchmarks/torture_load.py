"""Clients that ask, send batches and report without a pause, and write down what was acknowledged to them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import numpy as np

from benchmarks.client_threads import ClientThreads
from engine.calling.batch import Batch, BatchAnswer
from engine.client import Client, ClientOptions
from engine.core.errors import ArmsreachError, CallerError, Overloaded
from engine.core.outcome import Outcome, OutcomeType

CAMPAIGN = "torture"
DIMENSION = 4
_BATCH = 25


@dataclass
class Acknowledged:
    """What the server said is safe.

    Attributes:
        decisions: Decision id → (arm, propensity).
        outcomes: Outcome ids.
        safe: Safe answers: the server did not answer in time.
        retried: Calls that had to be made again.
        contradictions: Answers that differ from an earlier one under the same request id.
        refused: What a caller was refused, though nothing was wrong with it.
    """

    decisions: dict[str, tuple[str, float]] = field(default_factory=dict)
    outcomes: set[str] = field(default_factory=set)
    safe: int = 0
    retried: int = 0
    contradictions: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Load(ClientThreads):
    """Clients on threads, each with a connection of its own; `with` starts and stops them."""

    def __init__(self, address: Callable[[], str], users: int = 200, pause_s: float = 0.002) -> None:
        """Make the clients' plans.

        Args:
            address: Where the server is now.
            users: How many shoppers there are.
            pause_s: Between two calls of one client.
        """
        self._address = address
        self._users = users
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._reportable: list[str] = []
        self.acknowledged = Acknowledged()
        works = (self._decide, self._decide, self._batches, self._report)
        super().__init__([partial(self._run, work, i) for i, work in enumerate(works)])

    def _run(self, work: Callable[[Client, int, int, np.random.Generator], None], thread: int) -> None:
        rng, number = np.random.default_rng(thread), 0
        options = ClientOptions(deadline_ms=3_000.0, patience_s=3.0, report_every_s=0.5)
        with Client(self._address(), options) as client:
            while not self.stop.is_set():
                try:
                    work(client, thread, number, rng)
                except Overloaded:
                    self.acknowledged.retried += 1
                except CallerError as error:
                    self.acknowledged.refused.append(f"{type(error).__name__}: {error}")
                number += 1
                self.stop.wait(self._pause_s)
            client.flush(5.0)

    def _decide(self, client: Client, thread: int, number: int, rng: np.random.Generator) -> None:
        request = {
            "user": f"user-{int(rng.integers(self._users))}",
            "embedding": rng.normal(size=DIMENSION).astype(np.float32),
            "request_id": f"{thread}-{number}",
        }
        answer = client.decide(CAMPAIGN, **request)
        if answer.safe:
            self.acknowledged.safe += 1
            return
        self._note(answer.decision_id, answer.arm, answer.propensity)
        if number % 10 == 0:
            again = client.decide(CAMPAIGN, **request)
            if not again.safe:
                self._note(again.decision_id, again.arm, again.propensity)

    def _batches(self, client: Client, thread: int, number: int, rng: np.random.Generator) -> None:
        batch = Batch(
            campaign=CAMPAIGN,
            users=[f"user-{int(i)}" for i in rng.integers(self._users, size=_BATCH)],
            embeddings=rng.normal(size=(_BATCH, DIMENSION)).astype(np.float32),
            request_id=f"batch-{thread}-{number}",
        )
        while not self.stop.is_set():
            answer = self._batch(client, batch)
            if answer is not None:
                for row in zip(answer.decision_ids, answer.arms, answer.propensities.tolist(), strict=True):
                    self._note(*row)
                return
            self.acknowledged.retried += 1
            self.stop.wait(0.05)

    def _batch(self, client: Client, batch: Batch) -> BatchAnswer | None:
        try:
            return next(iter(client.decide_batch([batch])), None)
        except CallerError:
            raise
        except ArmsreachError:
            return None

    def _report(self, client: Client, _thread: int, _number: int, rng: np.random.Generator) -> None:
        """Some clicks, some of them twice and in any order; again until the server has them."""
        with self._lock:
            ids, self._reportable = self._reportable[:50], self._reportable[50:]
        chosen = [id for id in ids if rng.random() < 0.4]
        rng.shuffle(chosen)
        if not chosen:
            return
        now = datetime.now(UTC)
        outcomes = [Outcome(f"click-{id}", CAMPAIGN, OutcomeType.CLICK, now, decision_id=id) for id in chosen]
        for attempt in range(100):
            try:
                client.report(outcomes + outcomes[: len(outcomes) // 4])
            except Overloaded:
                self.acknowledged.retried += 1
            else:
                self.acknowledged.outcomes.update(outcome.id for outcome in outcomes)
                return
            if self.stop.is_set() and attempt > 10:
                return

    def _note(self, id: str, arm: str, propensity: float) -> None:
        with self._lock:
            known = self.acknowledged.decisions.setdefault(id, (arm, propensity))
            self._reportable.append(id)
        if known != (arm, propensity):
            self.acknowledged.contradictions.append(f"{id}: {known} and {(arm, propensity)}")
