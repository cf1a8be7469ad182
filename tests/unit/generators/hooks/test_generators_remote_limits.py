"""Rate, money, settings and answers of the remote hooks, without a network."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import InvalidInput
from generators.hooks.backend_spec import BackendSpec
from generators.hooks.remote import CeilingReached, RateLimit, RemoteSettings, Spending
from generators.hooks.remote.answer import Answer, MalformedAnswer

LOCAL = "http://127.0.0.1:8000/v1?model=m"


class Hand:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def limited(requests: float, tokens: float) -> tuple[RateLimit, Hand]:
    hand = Hand()
    return RateLimit(requests, tokens, clock=hand.clock, sleep=hand.sleep), hand


@given(st.integers(1, 600), st.integers(10, 6000), st.lists(st.integers(1, 400), min_size=2, max_size=40))
def test_no_minute_holds_more_than_it_may(requests: int, tokens: int, sizes: list[int]) -> None:
    limit, hand = limited(requests, tokens)
    starts = []
    for size in sizes:
        limit.wait(size)
        starts.append(hand.now)
    for i, start in enumerate(starts):
        later = [j for j in range(i, len(starts)) if starts[j] < start + 60 - 1e-6]
        assert len(later) <= requests
        # The last call of a minute may be as long as it likes; those before it fit.
        assert sum(sizes[j] for j in later[:-1]) <= tokens + 1e-6


def test_a_call_waits_as_long_as_the_one_before_it_earned() -> None:
    limit, hand = limited(60, 600)
    for size, start in ((20, 100.0), (5, 102.0), (0, 103.0), (0, 104.0)):
        limit.wait(size)
        assert hand.now == pytest.approx(start)


def test_pauses_and_corrections_count() -> None:
    limit, hand = limited(0, 600)
    limit.wait(100)
    limit.correct(-50)
    limit.wait(0)
    assert hand.now == pytest.approx(105)
    limit.pause(7)
    limit.pause(3)
    limit.wait(0)
    assert hand.now == pytest.approx(112)


def test_no_limit_never_sleeps() -> None:
    limit, hand = limited(0, 0)
    for _ in range(1000):
        limit.wait(10**6)
    assert hand.now == 100.0


def test_money_is_counted_by_hand() -> None:
    spending = Spending(price_in=2.0, price_out=8.0, ceiling=0.01)
    ticket = spending.reserve(1000, 500)  # 0.002 + 0.004 aside
    spending.settle(ticket, 900, 100)
    assert spending.spent == pytest.approx(0.0018 + 0.0008)
    lost = spending.reserve(1000, 500)
    with pytest.raises(CeilingReached):
        spending.reserve(1000, 500)  # 0.0026 + 0.006 + 0.006
    spending.fail(lost, charged=True)
    assert (spending.spent, spending.uncertain) == (pytest.approx(0.0086), pytest.approx(0.006))
    refused = spending.reserve(500, 25)
    spending.fail(refused, charged=False)
    assert spending.spent == pytest.approx(0.0086)
    assert (spending.calls, spending.tokens_in, spending.tokens_out) == (3, 900, 100)


def settings(name: str, **environ: str) -> RemoteSettings:
    return RemoteSettings.of(BackendSpec.parse(name), environ)


def test_a_name_gives_settings() -> None:
    got = settings(f"{LOCAL}&mode=completion&price_in=0.5&ceiling=2&concurrency=8&languages=en", OPENAI_API_KEY="sk-9")
    assert (got.base_url, got.model, got.mode) == ("http://127.0.0.1:8000/v1", "m", "completion")
    assert (got.price_in, got.ceiling, got.concurrency, got.key) == (0.5, 2.0, 8, "sk-9")
    assert "sk-9" not in repr(got)
    openai = settings("openai:gpt-x?key_env=SHOP_KEY", SHOP_KEY="k", OPENAI_API_KEY="other")
    assert (openai.base_url, openai.model, openai.key) == ("https://api.openai.com/v1", "gpt-x", "k")
    assert settings("openai:m", OPENAI_BASE_URL="https://llm.example/v1/").base_url == "https://llm.example/v1"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("http://127.0.0.1/v1", "model=NAME"),
        (f"{LOCAL}&temprature=1", "did you mean temperature"),
        (f"{LOCAL}&temperature=9", "0 to 2"),
        (f"{LOCAL}&timeout_s=nan", "timeout_s"),
        (f"{LOCAL}&retries=many", "expected a number"),
        (f"{LOCAL}&ceiling=1", "price_in"),
        (f"{LOCAL}&mode=talk", "chat, completion"),
        (f"{LOCAL}&languages=de", "de"),
        (f"{LOCAL}&mode=completion&format=json_schema", "mode=chat"),
        (f"{LOCAL}&retries=1&retries=2", "once"),
        ("http://user:word@host/v1?model=m", "without a user"),
        ("http://shop.example/v1?model=m", "in the clear"),
    ],
)
def test_a_wrong_name_is_refused(name: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        settings(name, OPENAI_API_KEY="k")


def body(text: object, **more: object) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}}], **more}).encode()


def test_answers_are_read() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    answer = Answer.read(
        body('\n Line: "A calm  cup."\nmore', usage=usage, model="m", system_fingerprint="f"), structured=False
    )
    assert answer == Answer(("A calm cup.",), 7, 3, "m/f")
    assert Answer.read(b'{"choices": [{"text": " Tea."}]}', structured=False) == Answer(("Tea.",), None, None, "")
    structured = Answer.read(
        body('{"lines": ["One.", "\\u201cTwo.\\u201d"]}', usage={"prompt_tokens": True}), structured=True
    )
    assert structured == Answer(("One.", "Two."), None, None, "")
    for text in ('{"lines": ["One', "[]", '{"lines": "One."}', "A calm cup."):
        assert Answer.read(body(text, model="m"), structured=True) == Answer((), None, None, "m")
    assert Answer.read(body('{"lines": ["One.\n"]}'), structured=True).lines == ("One.",)


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b'{"choices": []}', b'{"choices": [{}]}', body(None), b"\xff"])
def test_what_is_no_answer_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        Answer.read(raw, structured=False)
