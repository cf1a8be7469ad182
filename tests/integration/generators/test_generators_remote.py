"""The remote hooks against a server that misbehaves as real ones do."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from engine.core.errors import InvalidInput, Unavailable
from generators.brief import Brief
from generators.hooks import HookRequest, RemoteHooks, RemoteSettings, hook_model
from generators.hooks.remote import Endpoint, RateLimit, Spending
from generators.product import Product
from generators.studio import Studio

pytest.importorskip("httpx2")
Answering = Callable[[BaseHTTPRequestHandler, dict[str, Any], int], None]
KEY = "sk-very-secret"


def brief(name: str) -> Brief:
    return Brief(name, Product(f"Stoneware {name.title()}", 2400, "USD", "Halden", "Kitchen"))


def requests(n: int) -> list[HookRequest]:
    return [HookRequest(brief("mug"), "warm", i, 3) for i in range(n)]


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def good(handler: BaseHTTPRequestHandler, asked: dict[str, Any], text: str = "") -> None:
    letters = "".join(chr(97 + int(digit)) for digit in str(asked.get("seed", 0)))
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    choice = {"message": {"content": text or f"A calm cup of {letters}."}}
    send(handler, 200, json.dumps({"choices": [choice], "usage": usage, "model": "served-1"}).encode())


@contextmanager
def serving(answer: Answering) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Run a server whose n-th call is answered by `answer(handler, body, n)`."""
    seen: list[dict[str, Any]] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                seen.append(
                    asked | {"path": self.path, "key": self.headers.get("Authorization"), "at": time.monotonic()}
                )
                number = len(seen)
            answer(self, asked, number)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Sleeps(list[float]):
    """Notes how long was slept, and does not sleep."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@contextmanager
def hooks_at(url: str, sleeps: Sleeps | None = None, **options: Any) -> Iterator[RemoteHooks]:
    settings = RemoteSettings(url, "m", **{"candidates": 1, "concurrency": 1, "key": KEY} | options)
    wait = sleeps if sleeps is not None else Sleeps()
    limit = RateLimit(settings.requests_per_minute, settings.tokens_per_minute, sleep=wait)
    spending = Spending(settings.price_in, settings.price_out, settings.ceiling)
    hooks = RemoteHooks(settings, Endpoint(settings, limit, spending, sleep=wait))
    try:
        yield hooks
    finally:
        hooks.close()


def faults_first(*faults: Answering) -> Answering:
    def answer(handler: BaseHTTPRequestHandler, asked: dict[str, Any], n: int) -> None:
        faults[n - 1](handler, asked, n) if n <= len(faults) else good(handler, asked)

    return answer


def busy(handler: BaseHTTPRequestHandler, asked: dict[str, Any], n: int) -> None:
    send(handler, 429, b"{}", Retry_After="3")


def busy_until(handler: BaseHTTPRequestHandler, asked: dict[str, Any], n: int) -> None:
    send(handler, 503, b"", Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True))


def broken(handler: BaseHTTPRequestHandler, asked: dict[str, Any], n: int) -> None:
    send(handler, 500, b"oops")


def malformed(handler: BaseHTTPRequestHandler, asked: dict[str, Any], n: int) -> None:
    send(handler, 200, b'{"choices": [')


def cut(handler: BaseHTTPRequestHandler, asked: dict[str, Any], n: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "500")
    handler.end_headers()
    handler.wfile.write(b'{"choices"')
    handler.close_connection = True


def hang_up(handler: BaseHTTPRequestHandler, asked: dict[str, Any], n: int) -> None:
    handler.close_connection = True


def drip(handler: BaseHTTPRequestHandler, asked: dict[str, Any], n: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "500")
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        pass
    handler.close_connection = True


def test_passing_faults_are_tried_again_and_retry_after_is_honoured() -> None:
    sleeps = Sleeps()
    with (
        serving(faults_first(busy, broken, malformed, cut, hang_up, busy_until)) as (url, seen),
        hooks_at(url, sleeps, retries=6, price_in=1.0, price_out=1.0) as hooks,
    ):
        assert hooks.propose(requests(1))[0][0].startswith("A calm cup of ")
        assert len(seen) == 7
        assert len({json.dumps(body["messages"]) + str(body["seed"]) for body in seen}) == 1
        # Not known to be charged: malformed, cut, hung up. 429, 500 and 503 are not.
        assert hooks.spending.uncertain == pytest.approx(hooks.spending.spent - 110e-6)
        assert hooks.spending.uncertain > 0
    pauses = [seconds for seconds in sleeps if seconds > 0]
    assert 3.0 <= pauses[0] <= 3.3
    assert any(7.5 <= seconds <= 9.9 for seconds in pauses)


def test_a_slow_answer_runs_out_of_time_however_it_drips() -> None:
    with serving(faults_first(drip)) as (url, seen), hooks_at(url, timeout_s=0.3, retries=1) as hooks:
        assert hooks.propose(requests(1))[0]
        assert len(seen) == 2
        assert seen[1]["at"] - seen[0]["at"] < 2


def test_an_endpoint_that_stays_away_is_an_error_and_a_partial_one_is_not() -> None:
    with serving(lambda handler, _, n: broken(handler, {}, n)) as (url, seen):
        with hooks_at(url, retries=2) as hooks, pytest.raises(Unavailable, match="500 after 3 attempts"):
            hooks.propose(requests(1))
        assert len(seen) == 3
    second = serving(lambda h, asked, n: broken(h, asked, n) if n == 2 else good(h, asked))
    with second as (url, _), hooks_at(url, retries=0) as hooks:
        assert [len(lines) for lines in hooks.propose(requests(3))] == [1, 0, 1]
    with hooks_at("http://127.0.0.1:9/v1", retries=1) as hooks, pytest.raises(Unavailable, match="reached"):
        hooks.propose(requests(1))


def test_a_wait_that_is_too_long_is_said_and_not_slept() -> None:
    sleeps = Sleeps()
    full = serving(lambda h, _, n: send(h, 429, b"", Retry_After="7200"))
    with full as (url, _), hooks_at(url, sleeps) as hooks, pytest.raises(Unavailable, match="7200 s") as caught:
        hooks.propose(requests(1))
    assert caught.value.retry_s == 7200
    assert sum(sleeps) == 0


def test_a_refusal_is_not_repeated_and_names_no_key(caplog: pytest.LogCaptureFixture) -> None:
    error = json.dumps({"error": {"message": f"Incorrect key {KEY}", "code": "model_not_found"}}).encode()
    caplog.set_level(logging.DEBUG)
    for status, message in ((401, "OPENAI_API_KEY"), (404, "model_not_found"), (302, "302")):
        with serving(lambda h, _, n, status=status: send(h, status, error)) as (url, seen), hooks_at(url) as hooks:  # type: ignore[misc]
            with pytest.raises(InvalidInput, match=message) as caught:
                hooks.propose(requests(4))
            assert len(seen) == 1
            assert seen[0]["key"] == f"Bearer {KEY}"
            chain = [caught.value, caught.value.__cause__, caught.value.__context__]
            assert KEY not in " ".join(map(repr, chain)) + repr(hooks._settings) + caplog.text


def test_answers_come_in_the_order_of_requests_from_calls_side_by_side() -> None:
    running = [0, 0]
    lock = threading.Lock()

    def answer(handler: BaseHTTPRequestHandler, asked: dict[str, Any], n: int) -> None:
        with lock:
            running[0] += 1
            running[1] = max(running)
        time.sleep(0.02 * (5 - n % 5))
        with lock:
            running[0] -= 1
        good(handler, asked)

    with serving(answer) as (url, seen):
        with hooks_at(url, concurrency=4, candidates=2) as hooks:
            side_by_side = hooks.propose(requests(8))
            assert hooks.served == {"served-1"}
        with hooks_at(url, concurrency=1, candidates=2) as hooks:
            assert hooks.propose(requests(8)) == side_by_side
    assert 2 <= running[1] <= 4
    assert all(len(lines) == 2 for lines in side_by_side)
    assert len({body["seed"] for body in seen}) == 16


def test_the_ceiling_stops_the_calls_and_templates_write_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    # By the endpoint's count a call costs 100 × 1 + 10 × 1 millionths.
    priced = serving(lambda h, asked, n: good(h, asked, "A calm cup for a slow evening."))
    with priced as (url, seen), hooks_at(url, price_in=1.0, price_out=1.0, ceiling=0.0012) as hooks:
        studio = Studio(hooks)
        written = studio.write([brief(name) for name in ("mug", "bowl", "plate", "jug", "dish", "tray")], 2)
        assert len(written) == 12
        assert 0 < len(seen) < 12
        assert hooks.spending.spent == pytest.approx(len(seen) * 110e-6)
        assert hooks.spending.spent <= 0.0012
        before = len(seen)
        assert hooks.propose(requests(2)) == [[], []]
        assert len(seen) == before
    assert caplog.text.count("ceiling reached") == 1


def test_rate_limits_space_the_calls() -> None:
    sleeps = Sleeps()
    with serving(faults_first()) as (url, _), hooks_at(url, sleeps, requests_per_minute=60) as hooks:
        hooks.propose(requests(3))
    assert max(sleeps) == pytest.approx(2.0, abs=0.5)


def test_the_bodies_say_what_was_asked_for() -> None:
    def answer(handler: BaseHTTPRequestHandler, asked: dict[str, Any], n: int) -> None:
        good(handler, asked, '{"lines": ["One calm cup.", "Two.", "Three."]}' if "response_format" in asked else "")

    zh = HookRequest(Brief("z", Product("手工马克杯", 9900, "CNY", "", "厨房"), language="zh"), "warm", 0, 3)
    with serving(answer) as (url, seen):
        with hooks_at(url, format="json_schema", candidates=3) as hooks:
            assert hooks.propose(requests(1)) == [["One calm cup.", "Two.", "Three."]]
        with hooks_at(url, format="json_object", candidates=2) as hooks:
            assert hooks.propose(requests(1)) == [["One calm cup.", "Two."]]
        with hooks_at(url, format="grammar", mode="completion", seeds=0, key="") as hooks:
            hooks.propose([zh])
            assert hooks.prompt(zh) == seen[-1]["prompt"]
    schema, plain, grammar = seen
    assert schema["response_format"]["json_schema"]["schema"]["properties"]["lines"]["maxItems"] == 3
    assert plain["response_format"]["schema"]["properties"]["lines"]["minItems"] == 2
    assert schema["path"] == "/v1/chat/completions"
    assert schema["messages"][-1]["content"].startswith("Product: stoneware mug (kitchen)\nTone: warm")
    assert grammar["path"] == "/v1/completions"
    assert grammar["key"] is None
    assert grammar["prompt"].endswith("商品：手工马克杯（厨房）\n语气：温暖\n文案：")
    assert grammar["stop"] == ["\n"]
    assert "seed" not in grammar


def test_the_command_line_name_opens_the_same_hooks() -> None:
    with serving(faults_first()) as (url, seen):
        hooks = hook_model(f"{url}?model=shop-llm&candidates=1&key_env=NO_SUCH_VARIABLE")
        assert isinstance(hooks, RemoteHooks)
        assert hooks.name == "http:shop-llm"
        assert hooks.propose(requests(1))[0]
        assert seen[0]["model"] == "shop-llm"
        hooks.close()
