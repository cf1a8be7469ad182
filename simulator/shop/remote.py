"""A running server, over gRPC: the same loop against the same service, in processes of its own."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from engine.client import Answer as ClientAnswer
from engine.client import Client, ClientOptions
from engine.core.arm import ArmId
from engine.core.campaign import Campaign
from engine.core.catalogue import Catalogue
from engine.core.decision import KEPT_PROBABILITIES, Decision
from engine.core.errors import FailedPrecondition, NotFound, Unavailable
from engine.core.outcome import Outcome
from engine.core.reading import plain, read
from engine.journal import MemoryJournal
from engine.service.exporting import export_log
from engine.service.requests import DecideRequest
from simulator.log_writer import write_log
from simulator.shop.service_port import Answer
from simulator.shop.shop import Shop

__all__ = ["Remote"]

_DEADLINE_MS = 10_000.0
_CALLS_AT_ONCE = 16
_POLL_S = 0.05
_UNKNOWN_TO_CALLERS = ("seed", "policy", "excluded")
_SCALE = 1 << 24


class Remote:
    """Drives a server with `clock = "client"`; its own learner learns.

    What the callers heard is kept, so that the log can be written on their side: the same export runs over it, without
    what an answer does not tell (seed, policy, reasons of exclusion).
    """

    def __init__(self, target: str, shop: Shop, *, wait_s: float = 10.0) -> None:
        """Connect, and create the campaign where it is missing.

        Args:
            target: `host:port`.
            shop: Whose campaign it is.
            wait_s: How long one snapshot is waited for at most; half as long after each wait in vain.

        Raises:
            Unavailable: If nothing answers there.
            FailedPrecondition: If the server has another campaign under this name.
        """
        self._client = Client(target, ClientOptions(deadline_ms=_DEADLINE_MS, patience_s=30.0))
        self._campaign, self._catalogue, self._wait_s = shop.campaign, shop.catalogue, wait_s
        self._pool = ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="shoppers")
        self._journal = MemoryJournal()
        self._served: set[str] = set()
        self._learnable: list[int] = [0]
        # Decisions of one batch are recorded at its last time, so the youngest mature a batch later than asked for.
        self._slack = shop.scenario.batch
        self._seen = 0
        try:
            if not self._client.connect():
                raise Unavailable(f"nothing answers at {target}; start `python -m engine serve`, or correct --target")
            self._require_campaign()
            self._before = self._learned()
        except BaseException:
            self.close()
            raise

    @property
    def snapshots(self) -> int:
        """See `ServicePort`."""
        return len(self._served)

    def decide(self, requests: Sequence[DecideRequest]) -> list[Answer]:
        """See `ServicePort`.

        Raises:
            Unavailable: If the server stops answering: a simulation has no use for the client's safe answers.
            InvalidInput: If the server's clock is its own.
        """
        answers = list(self._pool.map(self._decide, requests))
        for request, answer in zip(requests, answers, strict=True):
            if answer.safe:
                raise Unavailable(f"{self._client.target} has stopped answering; see its log, then start anew")
            self._note(request, answer)
        return [Answer(answer.decision_id, answer.arm, answer.mode.value) for answer in answers]

    def report(self, outcomes: Sequence[Outcome]) -> None:
        """See `ServicePort`."""
        self._client.report(outcomes)
        for outcome in outcomes:
            self._journal.append(outcome, outcome.at)

    def learn(self, matured: int) -> None:
        """Wait, not for long, until the server's learner has published what has matured."""
        every = self._campaign.publishing.every_decisions
        settled = min(max(0, matured - self._slack), len(self._learnable) - 1)
        due = self._learnable[settled] // every * every
        until = time.monotonic() + self._wait_s
        while due and self._seen < due:
            self._seen = self._learned() - self._before
            if self._seen >= due:
                return
            if time.monotonic() >= until:
                # A server without a learner, or a slow one: wait half as long next time, so that all waits end.
                self._wait_s /= 2
                return
            time.sleep(_POLL_S)

    def export(self, path: str) -> int:
        """See `ServicePort`."""
        self._journal.commit()
        with tempfile.TemporaryDirectory(prefix="armsreach-export-") as scratch:
            whole = Path(scratch) / "log.jsonl"
            export_log(self._journal, self._campaign, self._catalogue_of, whole)
            catalogue = json.loads(Path(f"{whole}.catalogue.json").read_text(encoding="utf-8"))
            with whole.open("rb") as lines:
                return write_log(path, (_as_told(orjson.loads(line)) for line in lines), catalogue)

    def close(self) -> None:
        """See `ServicePort`."""
        self._pool.shutdown()
        self._client.close()

    def _decide(self, request: DecideRequest) -> ClientAnswer:
        return self._client.decide(
            request.campaign,
            request.user,
            request.context.embedding,
            request.context.attributes,
            consents=request.context.consents or (),
            request_id=request.request_id,
            at=request.at,
            top_k=len(self._catalogue),
        )

    def _note(self, request: DecideRequest, answer: ClientAnswer) -> None:
        """Keep a decision as its caller heard of it."""
        if request.at is None:
            raise AssertionError("simulated requests carry their time")
        shares = {self._catalogue.index(arm): share for arm, share in answer.top}
        columns = sorted(shares)
        counts = np.array([round(shares[i] * _SCALE) for i in columns], dtype=np.uint32)
        decision = Decision(
            id=answer.decision_id,
            campaign=request.campaign,
            user=request.user,
            decided_at=request.at,
            arm=ArmId(answer.arm),
            eligible=tuple(self._catalogue.ids[i] for i in columns),
            counts=counts if len(columns) <= KEPT_PROBABILITIES else None,
            chosen_count=round(answer.propensity * _SCALE),
            seed=0,
            context=request.context,
            mode=answer.mode,
            catalogue=self._catalogue.digest,
            snapshot=answer.snapshot,
        )
        self._journal.append(decision, request.at)
        self._learnable.append(self._learnable[-1] + (len(columns) > 1))
        if answer.snapshot:
            self._served.add(answer.snapshot)

    def _require_campaign(self) -> None:
        wanted = self._campaign
        try:
            state = self._client.campaign(wanted.id)
        except NotFound:
            self._client.create_campaign(plain(wanted))
            return
        present = read(Campaign, dict(state.settings))
        if state.catalogue != self._catalogue.digest:
            raise _differs(wanted.id, "its arms differ")
        if present.schema != wanted.schema or present.objective != wanted.objective:
            raise _differs(wanted.id, "its schema or objective differs")
        if any(present.horizon_s(kind) != wanted.horizon_s(kind) for kind in wanted.windows_s):
            raise _differs(wanted.id, "its windows differ")

    def _learned(self) -> int:
        """Decisions behind the model that serves; 0 without one."""
        try:
            state = self._client.snapshot(self._campaign.id)
        except NotFound:
            return 0
        return state.t if state.serving else 0

    def _catalogue_of(self, digest: str) -> Catalogue:
        if digest != self._catalogue.digest:
            raise NotFound(f"catalogue: none with digest {digest[:64]!r}")
        return self._catalogue


def _as_told(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _UNKNOWN_TO_CALLERS}


def _differs(campaign: str, what: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"the server has a campaign {campaign!r} of its own: {what}; name the scenario otherwise, or use the seed and"
        " settings that it was made with"
    )
