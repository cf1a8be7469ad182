"""What survives a kill, and what a stop waits for."""

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from engine.client import Answer, Client, ClientOptions
from engine.config import Settings
from engine.core.decision import Decision
from engine.core.errors import RequestIdConflict
from engine.journal import JournalReader
from engine.pb.armsreach.v1 import delivery_pb2, delivery_pb2_grpc
from engine.wiring import arms_of, open_campaigns

Shoppers = Callable[[int], list[dict[str, Any]]]


def journalled(server: Any) -> list[Decision]:
    settings = Settings(data=str(server.folder / "data"))
    reader = JournalReader(settings.folder / "journal", arms=arms_of(open_campaigns(settings)))
    return [entry.record for _, entry in reader.read() if isinstance(entry.record, Decision)]


class Load:
    """Shoppers who ask without a pause, on several threads, until told to stop."""

    def __init__(self, ask: Callable[[int], Answer], threads: int = 3) -> None:
        self.answers: list[Answer] = []
        self.errors: list[BaseException] = []
        self._numbers = iter(range(1_000_000))
        self._stop = threading.Event()
        self._ask = ask
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(15)

    def until(self, answers: int, within_s: float = 15.0) -> None:
        ends = time.monotonic() + within_s
        while len(self.answers) < answers and time.monotonic() < ends and not self.errors:
            time.sleep(0.01)
        assert not self.errors
        assert len(self.answers) >= answers

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.answers.append(self._ask(next(self._numbers)))
            except BaseException as error:
                self.errors.append(error)
                return


def test_a_killed_server_keeps_its_word(
    start_server: Any, make_settings: Any, shoppers: Shoppers, patient: ClientOptions
) -> None:
    server = start_server()
    with Client(server.address, patient) as client:
        client.create_campaign(make_settings())
        with Load(lambda i: client.decide("promo", f"u{i}", [0.0] * 4, request_id=f"r{i}")) as load:
            load.until(60)
            server.kill()
        before = {answer.request_id: answer for answer in load.answers if not answer.safe}
        assert len(before) >= 60
        again = start_server(port=server.port)
        assert again.port == server.port
        assert client.connect(5)
        after = {r: client.decide("promo", f"u{r[1:]}", [0.0] * 4, request_id=r) for r in before}
        assert after == before
        with pytest.raises(RequestIdConflict):
            client.decide("promo", "somebody-else", [0.0] * 4, request_id=next(iter(before)))
        assert client.flush(5)
    assert again.stop() == 0
    counts = Counter(decision.id for decision in journalled(again))
    assert set(counts.values()) == {1}, "a decision stands in the journal once"
    assert {answer.decision_id for answer in before.values()} <= counts.keys()


def test_a_stop_fails_no_request(start_server: Any, make_settings: Any) -> None:
    """Under load every call gets a decision or the safe answer and never an error; what was answered stands."""
    server = start_server()
    options = ClientOptions(deadline_ms=1_000.0, report_every_s=0.2)
    with Client(server.address, options) as client:
        client.create_campaign(make_settings())
        with Load(lambda i: client.decide("promo", f"u{i}", [0.0] * 4, request_id=f"r{i}")) as load:
            load.until(100)
            assert server.stop() == 0
            taken = len(load.answers)
            load.until(taken + 20)
            again = start_server(port=server.port)
            ends = time.monotonic() + 10
            while load.answers[-1].safe and time.monotonic() < ends:
                time.sleep(0.05)
        assert not load.errors
        assert not load.answers[-1].safe, "the client finds the server again"
        assert client.flush(5)
    assert again.stop() == 0
    written = {decision.id: decision for decision in journalled(again)}
    real = [answer for answer in load.answers if not answer.safe]
    assert {answer.decision_id for answer in real} <= written.keys()
    safe = [answer for answer in load.answers if answer.safe]
    reported = [d for d in written.values() if d.policy == "client_safe_answer"]
    assert 0 < len(reported) <= len(safe)
    assert {(d.mode, d.arm, d.propensity) for d in reported} == {("fallback", "hold", 1.0)}


def test_running_calls_finish_while_draining(start_server: Any, make_settings: Any, patient: ClientOptions) -> None:
    server = start_server()
    with Client(server.address, patient) as client:
        client.create_campaign(make_settings())
    with grpc.insecure_channel(server.address) as channel:
        stub = delivery_pb2_grpc.DeliveryStub(channel)
        release = threading.Event()

        def batches() -> Any:
            for part in range(2):
                if part:
                    release.wait(10)
                yield delivery_pb2.DecideBatchRequest(
                    campaign="promo", users=[f"{part}-{i}" for i in range(50)], embeddings=bytes(16 * 50)
                )

        stream = iter(stub.DecideBatch(batches(), timeout=20))
        assert len(next(stream).decision_ids) == 50
        server.process.terminate()
        time.sleep(0.3)
        assert server.process.poll() is None, "a running stream may finish"
        release.set()
        assert len(next(stream).decision_ids) == 50
        assert list(stream) == []
    assert server.process.wait(10) == 0
    assert len(journalled(server)) == 100


def test_a_taken_port_is_a_clear_error(start_server: Any) -> None:
    first = start_server("one")
    second = start_server("two", port=first.port, wait=False)
    assert second.process.wait(20) == 1
    assert f"cannot listen on 127.0.0.1:{first.port}" in second.log
    assert "Address already in use" not in second.log, "gRPC has nothing to add"
    assert "Traceback" not in second.log
    assert "choose another server.port" in second.log
    assert "Traceback" not in second.log


def test_a_taken_data_folder_is_a_clear_error(start_server: Any) -> None:
    start_server("one")
    second = start_server("one", wait=False)
    assert second.process.wait(20) == 2
    assert "Traceback" not in second.log


def test_a_killed_server_takes_its_learner_along(start_server: Any) -> None:
    server = start_server(learner=True)

    def learners() -> list[str]:
        listed = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        return [line for line in listed.splitlines() if str(server.folder) in line and " learn " in line]

    ends = time.monotonic() + 10
    while not learners() and time.monotonic() < ends:
        time.sleep(0.1)
    assert len(learners()) == 1
    time.sleep(1.0)
    server.kill()
    ends = time.monotonic() + 10
    while learners() and time.monotonic() < ends:
        time.sleep(0.1)
    assert learners() == []
