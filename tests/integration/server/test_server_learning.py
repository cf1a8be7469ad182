"""The loop on a real server: decide, report, learn, swap in, roll back; and what damage does to it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.client import Answer, Client, ClientOptions
from engine.core.decision import Mode
from engine.core.errors import ArmsreachError
from engine.core.outcome import Outcome, OutcomeType

START = datetime(2026, 3, 1, tzinfo=UTC)
STEP_S = 2.0


class Shop:
    """Shoppers who click on variant `a` more than on others; time is what their requests say."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._generator = np.random.default_rng(11)
        self._lock = threading.Lock()
        self.answers: list[Answer] = []

    def visit(self) -> Answer:
        """One shopper, and the click if there is one."""
        with self._lock:
            number = len(self.answers)
            embedding, luck = self._generator.normal(size=4), self._generator.random()
            at = START + timedelta(seconds=STEP_S * number)
            answer = self._client.decide("promo", f"user-{number}", embedding, at=at)
            self.answers.append(answer)
        if not answer.safe and luck < (0.6 if answer.variant == "a" else 0.05 if answer.is_send else 0.0):
            click = Outcome(f"click-{number}", "promo", OutcomeType.CLICK, at, decision_id=answer.decision_id)
            self._client.report([click])
        return answer

    def until(self, done: Callable[[], bool], within_s: float = 20.0) -> None:
        ends = time.monotonic() + within_s
        while not done():
            assert time.monotonic() < ends, f"not reached after {len(self.answers)} visits"
            for _ in range(20):
                self.visit()


@pytest.fixture
def learning_campaign(make_settings: Any) -> dict[str, Any]:
    return dict(
        make_settings(
            windows_s=dict.fromkeys(("click", "purchase", "refund", "cost", "unsubscribe", "not_sent"), 20.0),
            publishing={"every_decisions": 100, "keep": 50},
            objective={"weights": {"click": 1.0}, "typical": 0.2},
            shares={"control": 0.1, "holdout": 0.0},
        )
    )


@pytest.fixture
def shop(start_server: Any, learning_campaign: dict[str, Any]) -> Iterator[tuple[Any, Client, Shop]]:
    server = start_server(clock="client", learner=True)
    with Client(server.address, ClientOptions(deadline_ms=5_000.0, report_every_s=30.0)) as client:
        client.create_campaign(learning_campaign)
        yield server, client, Shop(client)


def test_snapshots_swap_in_under_load_and_roll_back(shop: tuple[Any, Client, Shop]) -> None:
    _, client, shoppers = shop
    shoppers.until(lambda: len({answer.snapshot for answer in shoppers.answers} - {""}) >= 3)
    assert not any(answer.safe for answer in shoppers.answers), "a hot swap drops no request"
    live = [answer for answer in shoppers.answers if answer.mode is Mode.LIVE]
    assert {answer.mode for answer in shoppers.answers} == {Mode.LIVE, Mode.CONTROL, Mode.FALLBACK}
    assert all(answer.snapshot for answer in live)
    control = [answer for answer in shoppers.answers if answer.mode is Mode.CONTROL]
    assert len({answer.propensity for answer in control}) <= 2, "control is uniform, whatever was learned"

    snapshots = client.snapshots("promo")
    first = snapshots[0].version
    assert [item.version for item in snapshots if item.champion] == [client.snapshot("promo").version]
    rolled = client.roll_back("promo", first)
    assert (rolled.version, rolled.champion, rolled.serving) == (first, True, True)
    answer = next(a for a in iter(shoppers.visit, None) if a is not None and a.mode is Mode.LIVE)
    assert answer.snapshot in {first, *(item.version for item in client.snapshots("promo"))}


def test_learning_plays_the_better_variant_more(shop: tuple[Any, Client, Shop]) -> None:
    _, _, shoppers = shop
    shoppers.until(lambda: sum(a.mode is Mode.LIVE for a in shoppers.answers) >= 500, within_s=25.0)
    live = [answer for answer in shoppers.answers if answer.mode is Mode.LIVE][-200:]
    uniform = [answer for answer in shoppers.answers if answer.mode in (Mode.FALLBACK, Mode.CONTROL)]
    share_live = np.mean([answer.variant == "a" for answer in live])
    share_uniform = np.mean([answer.variant == "a" for answer in uniform])
    # Variant a holds 4 of 9 arms when choices are uniform: .44; 200 draws put ± .1 around it.
    assert share_uniform < 0.6
    assert share_live > share_uniform + 0.15


def learner_of(server: Any) -> int | None:
    """Process id of the server's own child that learns."""
    for children in Path(f"/proc/{server.process.pid}/task").glob("*/children"):
        for pid in children.read_text().split():
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except FileNotFoundError:
                continue
            if b"learn" in command:
                return int(pid)
    return None


def wait_for(what: Callable[[], Any], within_s: float = 15.0) -> Any:
    ends = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < ends
        time.sleep(0.05)
    return found


def test_a_killed_learner_is_started_again_and_goes_on(shop: tuple[Any, Client, Shop]) -> None:
    server, client, shoppers = shop
    shoppers.until(lambda: bool(client.snapshots("promo")))
    learner = wait_for(lambda: learner_of(server))
    os.kill(learner, signal.SIGKILL)
    published = len(client.snapshots("promo"))
    other = wait_for(lambda: (found := learner_of(server)) not in (None, learner) and found)
    assert other != learner
    assert not shoppers.visit().safe, "serving goes on without a learner"
    shoppers.until(lambda: len(client.snapshots("promo")) > published)
    assert "starting it again" in server.log


def test_a_damaged_snapshot_is_never_served(
    start_server: Any, learning_campaign: dict[str, Any], patient: ClientOptions
) -> None:
    server = start_server(clock="client", learner=True)
    with Client(server.address, patient) as client:
        client.create_campaign(learning_campaign)
        shoppers = Shop(client)
        shoppers.until(lambda: len(client.snapshots("promo")) >= 2)
    assert server.stop() == 0
    snapshots = server.folder / "data" / "snapshots" / "promo"
    whole, damaged = sorted(path.name for path in snapshots.iterdir() if path.is_dir())[-2:]
    compiled = snapshots / damaged / "compiled.npz"
    data = bytearray(compiled.read_bytes())
    data[len(data) // 2] ^= 1
    compiled.write_bytes(bytes(data))

    again = start_server(clock="client", learner=False)
    with Client(again.address, patient) as client:
        client_shop = Shop(client)
        client_shop.answers = list(shoppers.answers)
        with pytest.raises(ArmsreachError):
            client.promote("promo", damaged)
        answers = [client_shop.visit() for _ in range(20)]
        assert {answer.snapshot for answer in answers} == {""}, "better uniform than damaged"
        assert "is not served" in again.log
        promoted = client.promote("promo", whole)
        assert promoted.serving
        answers = [client_shop.visit() for _ in range(20)]
        assert {answer.snapshot for answer in answers if answer.mode is Mode.LIVE} == {whole}
        # And with the pointer itself damaged, the server keeps what it has.
        (snapshots / "current").write_bytes(b"{}")
        time.sleep(0.3)
        answers = [client_shop.visit() for _ in range(20)]
        assert {answer.snapshot for answer in answers if answer.mode is Mode.LIVE} == {whole}
        (snapshots / whole / "compiled.npz").unlink()
        client.set_variant_state("promo", "b", "killed")
        answers = [client_shop.visit() for _ in range(40)]
        assert {answer.snapshot for answer in answers if answer.mode is Mode.LIVE} == {whole}
        assert "b" not in {answer.variant for answer in answers}, "a kill works whatever the disk holds"
    assert again.stop() == 0
    third = start_server(clock="client", learner=False)
    with Client(third.address, patient) as client:
        last = Shop(client)
        last.answers = [answers[0]] * 5_000
        assert last.visit().mode in (Mode.FALLBACK, Mode.CONTROL)
