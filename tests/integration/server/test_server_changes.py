"""Changes under load, on several workers: new models, roll-backs, settings and variants fail no request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.client import Answer, Client, ClientOptions
from engine.core.decision import Mode
from engine.core.outcome import Outcome, OutcomeType

OPTIONS = ClientOptions(deadline_ms=5_000.0, patience_s=20.0)


class Crowd:
    """Shoppers on threads of their own, who ask and click until they are told to stop."""

    def __init__(self, address: str, threads: int = 3) -> None:
        self.answers: list[tuple[float, Answer]] = []
        self.errors: list[BaseException] = []
        self._address = address
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(i,)) for i in range(threads)]

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def snapshots(self) -> set[str]:
        return {answer.snapshot for _, answer in self.answers} - {""}

    def _run(self, number: int) -> None:
        rng, i = np.random.default_rng(number), 0
        try:
            with Client(self._address, OPTIONS) as client:
                while not self._stop.is_set():
                    i += 1
                    began = time.monotonic()
                    answer = client.decide("promo", f"user-{number}-{i}", rng.normal(size=4), consents=["sms"])
                    self.answers.append((began, answer))
                    if not answer.safe and rng.random() < (0.5 if answer.variant == "a" else 0.05):
                        click = Outcome(
                            answer.decision_id, "promo", OutcomeType.CLICK, _now(), decision_id=answer.decision_id
                        )
                        client.report([click])
        except BaseException as error:
            self.errors.append(error)


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def until(done: Callable[[], object], within_s: float = 40.0) -> None:
    ends = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_changes_under_load_fail_no_request(start_server: Any, make_settings: Any) -> None:
    settings = make_settings(
        windows_s=dict.fromkeys(("click", "purchase", "refund", "cost", "unsubscribe", "not_sent"), 1.0),
        slots=[{"id": "now"}, {"id": "evening"}],
        publishing={"every_decisions": 100, "keep": 50},
        objective={"weights": {"click": 1.0}, "typical": 0.2},
        shares={"control": 0.1, "holdout": 0.0},
    )
    server = start_server(workers=2, learner=True)
    with Client(server.address, OPTIONS) as client:
        client.create_campaign(settings)
        time.sleep(0.5)  # the other worker looks for news several times a second
        with Crowd(server.address) as crowd:
            until(lambda: len(client.snapshots("promo")) >= 3 and len(crowd.snapshots()) >= 2)
            first = client.snapshots("promo")[0].version
            client.roll_back("promo", first)
            until(lambda: sum(a.snapshot == first for _, a in crowd.answers[-20:]) >= 5)
            paused_at = []
            for change in range(12):
                client.set_variant_state("promo", "b", "paused" if change % 2 == 0 else "approved")
                if change == 10:
                    time.sleep(1.0)  # by then every worker has looked
                    paused_at.append(time.monotonic())
                    time.sleep(0.5)
                    paused_at.append(time.monotonic())
                client.set_shares("promo", control=0.1 + 0.01 * change)
                settings["caps"] = [{"most": 50 + change, "within_s": 60.0}]
                client.promote("promo", client.snapshots("promo")[-1].version)
                client.roll_back("promo")
            settings["shares"]["control"] = 0.3
            client.update_campaign("promo", settings)
            asked = len(crowd.answers)
            until(lambda: len(crowd.answers) > asked + 100)
    assert not crowd.errors
    safe = [answer for _, answer in crowd.answers if answer.safe]
    print(f"{len(crowd.answers)} requests during 12 rounds of changes, {len(safe)} failed")
    assert not safe
    assert {answer.mode for _, answer in crowd.answers} >= {Mode.LIVE, Mode.CONTROL}
    between = [a for began, a in crowd.answers if paused_at[0] <= began <= paused_at[1] - 0.1]
    assert between
    assert "b" not in {answer.variant for answer in between}
    assert server.stop() == 0
    assert "Traceback" not in server.log
