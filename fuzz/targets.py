"""What reads bytes from outside, as functions of bytes that raise nothing but what their callers are told to expect."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2

from engine.config import LearnerSettings, Settings
from engine.core.campaign import Campaign
from engine.core.compiled import CompiledModel
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.drawing import SCALE
from engine.core.errors import ArmsreachError, CorruptState
from engine.core.outcome import Outcome, OutcomeType
from engine.core.reading import plain, read
from engine.journal import JournalReader, SegmentWriter
from engine.journal.record import decode, encode
from engine.pb.armsreach.v1 import delivery_pb2 as wire
from engine.server.delivery_servicer import DeliveryServicer
from engine.server.statuses import status_of
from engine.store.arm_matrix import ArmMatrix
from engine.store.manifest import Manifest
from engine.wiring import open_worker

Target = Callable[[bytes], None]

AT = datetime(2026, 5, 1, tzinfo=UTC)
CAMPAIGN: dict[str, Any] = {
    "id": "promo",
    "schema": {
        "dimension": 4,
        "attributes": {
            "segment": {"kind": "categorical", "vocabulary": ["new", "regular"]},
            "age": {"kind": "number", "low": 0.0, "high": 100.0},
            "member": {"kind": "boolean"},
        },
    },
    "channels": [{"id": "email"}, {"id": "sms", "needs_consent": True}],
    "slots": [{"id": "now"}, {"id": "evening"}],
    "variants": [{"id": "a", "state": "approved", "channels": {"email": {"text": "x"}, "sms": {"text": "y"}}}],
}


MANIFEST = Manifest(
    version="1", parent="", epoch=1, campaign="promo", positions={"w": {"segment": 1, "offset": 64}}, watermark=AT,
    horizon_s={"click": 60.0}, vw={"version": "9", "options": []}, feature_schema={"dimension": 4}, catalogue="c",
    objective={}, exploration={"spread": 1.0}, floor={}, learned=3, created_at=AT, checksums={"model.vw": "0"},
)  # fmt: skip


class Corpus:
    """Good inputs to begin with, by target."""

    def __init__(self) -> None:
        decision = Decision(
            id="0123456789abcdef" * 2, campaign="promo", user="u", decided_at=AT, arm="a/email/now",
            eligible=("hold", "a/email/now"), counts=np.array([SCALE // 2, SCALE // 2], dtype=np.uint32),
            chosen_count=SCALE // 2, seed=7, context=Context(np.ones(4, dtype=np.float32), {"segment": "new"}),
            mode=Mode.LIVE, catalogue="c0ffee", excluded={"a/sms/now": "no_consent"},
        )  # fmt: skip
        outcome = Outcome("o", "promo", OutcomeType.PURCHASE, AT, 3.5, decision_id=decision.id)
        self.records = [encode(decision, AT), encode(outcome, AT)]
        with tempfile.TemporaryDirectory() as name:
            writer = SegmentWriter(Path(name), "w")
            for record in (decision, outcome, decision):
                writer.append(record, AT)
            writer.commit()
            writer.close()
            self.segments = [(Path(name) / "w" / "00000001.segment").read_bytes()]
        request = wire.DecideRequest(campaign="promo", user="u", embedding=[0.5] * 4, request_id="r", consents=["sms"])
        request.attributes["segment"].text = "new"
        batch = wire.DecideBatchRequest(campaign="promo", users=["a", "b"], embeddings=bytes(32), tag="t")
        batch.attributes["age"].numbers.extend([1.0, 2.0])
        report = wire.ReportOutcomesRequest(campaign="promo")
        report.outcomes.add(outcome_id="o", type=1, decision_id=decision.id).at.FromDatetime(AT)
        report.fallbacks.add(request_id="r", user="u").decided_at.FromDatetime(AT)
        self.requests = [
            bytes([i]) + m.SerializeToString() for i, m in enumerate((request, batch, report, wire.ExplainRequest()))
        ]
        rows = np.arange(8, dtype=np.float32).reshape(2, 4)
        linear = {"V": np.ones(2, dtype=np.float32)}
        compiled = CompiledModel(
            ("U0", "U1", "U2", "U3"), {"V": ("a", "b")}, 0.5, np.ones(4, dtype=np.float32), linear, {"V": rows}, {}, {}
        )
        self.snapshots = [
            ArmMatrix(Path(), "c", "d").to_bytes(rows, np.zeros(2)), compiled.to_bytes(), MANIFEST.dumps(),
        ]  # fmt: skip
        row = {
            "decision_id": "d1", "arm": "a", "propensity": 0.5, "eligible": ["a", "hold"], "user": "u",
            "decided_at": "2026-05-01T00:00:00Z", "context": {"age": 3.0}, "probabilities": [0.5, 0.5],
            "outcomes": [{"type": "click", "at": "2026-05-01T00:00:01Z", "outcome_id": "o"}],
        }  # fmt: skip
        lines = [json.dumps({**row, "decision_id": f"d{i}"}) for i in range(3)]
        self.logs = ["\n".join(lines).encode() + b"\n"]


def segment(folder: Path) -> Target:
    """A segment's file, read by a learner and recovered by a writer."""
    chain = folder / "journal" / "w"
    chain.mkdir(parents=True)

    def check(data: bytes) -> None:
        for path in chain.iterdir():
            path.unlink()
        (chain / "00000001.segment").write_bytes(data)
        with suppress(CorruptState):
            for _ in JournalReader(chain.parent).read():
                pass
        with suppress(CorruptState):
            SegmentWriter(chain.parent, "w", durability="write").close()

    return check


def record(_: Path) -> Target:
    """A record whose checksum is right and whose content is not."""

    def check(data: bytes) -> None:
        with suppress(CorruptState):
            decode(data)

    return check


def snapshot(folder: Path) -> Target:
    """A snapshot's files: manifest, compiled model, arm matrix."""
    matrix = ArmMatrix(folder, "c", "d")

    def check(data: bytes) -> None:
        with suppress(ArmsreachError, json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            Manifest.from_json(json.loads(data))
        with suppress(CorruptState):
            CompiledModel.from_bytes(data)
        matrix.path.unlink(missing_ok=True)
        matrix.path.write_bytes(data)
        matrix.read()

    return check


class Requests:
    """Requests of any content to a real worker; its first byte says which method."""

    METHODS: tuple[tuple[str, type[Message]], ...] = (
        ("Decide", wire.DecideRequest),
        ("DecideBatch", wire.DecideBatchRequest),
        ("ReportOutcomes", wire.ReportOutcomesRequest),
        ("Explain", wire.ExplainRequest),
    )

    def __init__(self, folder: Path) -> None:
        settings = Settings(data=str(folder / "data"), learner=LearnerSettings(enabled=False))
        self._loop = asyncio.new_event_loop()
        worker = open_worker(settings)
        worker.campaigns.create(plain(read(Campaign, CAMPAIGN)))
        worker.registry.refresh()
        self._worker = worker
        self._servicer = DeliveryServicer(worker.delivery, worker.explaining)

    def __call__(self, data: bytes) -> None:
        """Ask.

        Raises:
            AssertionError: If the answer would be INTERNAL.
        """
        name, kind = self.METHODS[data[0] % len(self.METHODS) if data else 0]
        try:
            message = kind.FromString(data[1:])
        except DecodeError:
            return
        self.ask(name, message)

    def ask(self, name: str, message: Message) -> None:
        """Ask one method; see `__call__`."""
        try:
            self._loop.run_until_complete(self._asked(name, message))
        except ArmsreachError as error:
            if int(status_of(error).code.value[0]) == code_pb2.INTERNAL:
                raise AssertionError(f"{name}: {error}") from error

    async def _asked(self, name: str, message: Any) -> None:
        if name == "DecideBatch":

            async def one() -> Any:
                yield message

            async for answer in self._servicer.DecideBatch(one(), None):
                answer.SerializeToString()
        else:
            answer = await getattr(self._servicer, name)(message, None)
            answer.SerializeToString()

    def close(self) -> None:
        """Let the worker go."""
        self._loop.run_until_complete(self._worker.close())
        self._loop.close()


def log(folder: Path) -> Target:
    """A decision log, as `simulator lint` reads it: usable or not, and never a traceback."""
    from simulator.log_reader import read_log
    from simulator.unusable_log import UnusableLog

    file = folder / "log.jsonl"

    def check(data: bytes) -> None:
        file.write_bytes(data)
        with suppress(UnusableLog):
            read_log(file)

    return check


TARGETS: dict[str, tuple[Callable[[Path], Target], str]] = {
    "segment": (segment, "segments"),
    "record": (record, "records"),
    "snapshot": (snapshot, "snapshots"),
    "requests": (Requests, "requests"),
    "log": (log, "logs"),
}
