"""What people set, on a running server and through the command line."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from engine.client import Answer, Client
from engine.commands.app import app
from engine.core.errors import FailedPrecondition, InvalidInput, NotFound
from engine.core.reading import read
from engine.core.variant import Variant, VariantState

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_settings_come_back_as_they_were_sent(client: Client, make_settings: Any) -> None:
    state = client.create_campaign(make_settings("kept", attribution="all"))
    assert client.campaign("kept") == state
    assert state.settings["attribution"] == "all"
    assert [v["id"] for v in state.settings["variants"]] == ["a", "b", "c"]
    assert state.arms == 11
    assert "kept" in [item.id for item in client.campaigns()]
    with pytest.raises(FailedPrecondition, match="exists"):
        client.create_campaign(make_settings("kept"))


def test_a_change_of_what_somebody_else_changed_is_refused(client: Client, make_settings: Any) -> None:
    settings = make_settings("shared")
    first = client.create_campaign(settings)
    second = client.update_campaign("shared", {**settings, "paused": True}, first.revision)
    assert second.revision > first.revision
    with pytest.raises(FailedPrecondition):
        client.update_campaign("shared", {**settings, "paused": False}, first.revision)
    assert client.campaign("shared").settings["paused"] is True
    answers = [client.decide("shared", f"u{i}", [0.0] * 4) for i in range(20)]
    assert {answer.arm for answer in answers} == {"hold"}, "a paused campaign sends nothing"
    assert client.update_campaign("shared", {**settings, "paused": False}).settings["paused"] is False


def test_variants_are_added_and_replaced(client: Client, make_settings: Any) -> None:
    client.create_campaign(make_settings("copy"))
    fresh = read(
        Variant,
        {
            "id": "d",
            "state": "draft",
            "channels": {"email": {"subject": "Hello", "body": "Ünïcode 你好"}},
            "offer": {"percent": 15.0, "free": True, "code": "AUTUMN"},
            "embedding": [0.5, -0.25],
            "embedding_model": "m",
            "audience": {"segment": ["new"]},
            "provenance": {"seed": 3, "checks": ["facts"]},
            "language": "en",
            "stock": 20_000,
            "stock_chunk": 5,
        },
    )
    state = client.put_variants("copy", [fresh])
    assert state.arms == 13
    assert read(Variant, next(v for v in state.settings["variants"] if v["id"] == "d")) == fresh
    drawn = {client.decide("copy", f"u{i}", [0.0] * 4, {"segment": "new"}).variant for i in range(150)}
    assert "d" not in drawn
    client.set_variant_state("copy", "d", VariantState.APPROVED)
    drawn = {client.decide("copy", f"v{i}", [0.0] * 4, {"segment": "new"}).variant for i in range(150)}
    assert "d" in drawn
    drawn = {client.decide("copy", f"w{i}", [0.0] * 4, {"segment": "regular"}).variant for i in range(150)}
    assert "d" not in drawn, "it is meant for new shoppers"
    with pytest.raises(InvalidInput, match="fax"):
        client.put_variants("copy", [read(Variant, {"id": "e", "channels": {"fax": {"text": "x"}}})])
    assert client.campaign("copy").arms == 13


def test_a_kill_is_in_force_when_it_is_answered(client: Client, make_settings: Any) -> None:
    """Under load: a decision asked for after the answer never sends the killed variant."""
    client.create_campaign(make_settings("urgent", shares={"control": 0.0, "holdout": 0.0}))
    killed = threading.Event()
    stop = threading.Event()
    before: list[Answer] = []
    after: list[Answer] = []

    def ask(thread: int) -> None:
        for number in range(100_000):
            if stop.is_set():
                return
            was_killed = killed.is_set()
            answer = client.decide("urgent", f"{thread}-{number}", [0.0] * 4)
            (after if was_killed else before).append(answer)

    threads = [threading.Thread(target=ask, args=(i,), daemon=True) for i in range(4)]
    for thread in threads:
        thread.start()
    _until(lambda: len(before) >= 60)
    client.set_variant_state("urgent", "a", "killed")
    killed.set()
    _until(lambda: len(after) >= 150)
    stop.set()
    for thread in threads:
        thread.join(10)
    assert "a" in {answer.variant for answer in before}
    assert "a" not in {answer.variant for answer in after}
    assert not any(answer.safe for answer in before + after)
    with pytest.raises(FailedPrecondition, match="new id"):
        client.set_variant_state("urgent", "a", "approved")


def _until(reached: Callable[[], bool], within_s: float = 20.0) -> None:
    waiting = threading.Event()
    for _ in range(int(within_s * 100)):
        if reached():
            return
        waiting.wait(0.01)
    raise AssertionError("not reached in time")


def test_shares_are_set_one_by_one(client: Client, make_settings: Any) -> None:
    client.create_campaign(make_settings("parts"))
    shares = client.set_shares("parts", holdout=0.5)
    assert shares.holdout == 0.5
    assert shares.control == pytest.approx(0.05)
    assert shares.champion + shares.control + shares.holdout == pytest.approx(1.0)
    assert client.shares("parts") == shares
    with pytest.raises(InvalidInput):
        client.set_shares("parts", control=1.0)
    modes = [client.decide("parts", f"u{i}", [0.0] * 4).mode for i in range(200)]
    assert 60 < sum(mode == "holdout" for mode in modes) < 140


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_commands_on_a_running_server(client: Client, server: Any, tmp_path: Path) -> None:
    target = ("--target", server.address)
    variants = tmp_path / "variants.jsonl"
    lines = [{"id": f"extra-{i}", "state": "draft", "channels": {"email": {"subject": "S"}}} for i in range(2)]
    variants.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n")
    code, output = run("campaign", "create", str(EXAMPLES / "campaign.toml"), "--variants", str(variants), *target)
    assert code == 0, output
    assert "extra-1" in output
    assert "autumn" in run("campaign", "list", *target)[1]
    code, output = run("campaign", "approve", "autumn", "extra-0", "extra-1", *target)
    assert (code, output.count("approved")) == (0, 2)
    assert run("campaign", "pause", "autumn", "extra-0", *target)[0] == 0
    assert run("campaign", "kill", "autumn", "extra-1", *target)[0] == 0
    states = {v["id"]: v["state"] for v in client.campaign("autumn").settings["variants"]}
    assert (states["extra-0"], states["extra-1"]) == ("paused", "killed")
    lines = [{"id": "late", "channels": {"push": {"title": "T"}}}]
    variants.write_text("\n".join(json.dumps(line) for line in lines))
    assert run("campaign", "put-variants", "autumn", str(variants), *target)[0] == 0
    code, output = run("campaign", "show", "autumn", *target)
    assert code == 0
    assert "late" in output
    code, output = run("models", "list", "autumn", *target)
    assert (code, "nothing published yet" in output) == (0, True)
    code, output = run("models", "shares", "autumn", "--control", "0.2", *target)
    assert (code, "19.80%" in output) == (0, True)
    answer = client.decide("autumn", "u", [0.1] * 16, {"segment": "new", "days_since_order": 3, "app_installed": True})
    assert not answer.safe


def test_commands_say_what_is_wrong_and_exit_2(client: Client, server: Any, tmp_path: Path) -> None:
    target = ("--target", server.address)
    broken = tmp_path / "broken.jsonl"
    cases: list[tuple[tuple[str, ...], list[str]]] = [
        (("campaign", "show", "nix", *target), ["no campaign 'nix'"]),
        (("campaign", "kill", "promo", "nix", *target), ["no variant 'nix'"]),
        (("models", "show", "promo", *target), ["no snapshot yet"]),
        (("models", "promote", "promo", "7", *target), ["no snapshot '7'"]),
        (("models", "roll-back", "promo", *target), ["no snapshot yet"]),
        (("models", "shares", "promo", "--holdout", "2", *target), ["shares.holdout", "below 1"]),
        (("campaign", "list", "--target", "127.0.0.1:1"), ["127.0.0.1:1", "engine serve"]),
        (("campaign", "create", str(tmp_path / "none.toml"), *target), ["none.toml", "no such file"]),
        (("campaign", "put-variants", "promo", str(tmp_path / "none.jsonl"), *target), ["none.jsonl"]),
    ]
    for arguments, words in cases:
        code, output = run(*arguments)
        assert code == 2, (arguments, output)
        flat = output.replace("\n", "")
        assert all(word in flat for word in words), (arguments, output)
        assert "Traceback" not in output
    for text, words in (
        ('{"id": "x"}\n{"id": ', ["broken.jsonl:2", "JSON"]),
        ('{"id": "x"}\n\n{"id": "y", "tone": "warm"}', ["broken.jsonl:3", "tone", "nearest known key"]),
        ('{"id": "x"}\n{"id": "x"}', ["broken.jsonl:2", "stands twice"]),
        ('{"id": "a/b"}', ["broken.jsonl:1", "variant.id"]),
        ("", ["at least one variant"]),
    ):
        broken.write_text(text)
        code, output = run("campaign", "put-variants", "promo", str(broken), *target)
        assert code == 2
        assert all(word in output.replace("\n", "") for word in words), output
    assert client.campaign("promo").arms == 11
    with pytest.raises(NotFound):
        client.campaign("autumn-2")
