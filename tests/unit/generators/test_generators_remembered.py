"""What a stopped run had asked for is not asked again, and nothing else is taken for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from engine.core.errors import FailedPrecondition, InvalidInput, UnsupportedVersion
from generators.brief import Brief
from generators.hooks import HookRequest
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.remembered import RememberedHooks

MUG = Brief("mug", Product("Stoneware Mug", 2400, "USD", "Halden", "Kitchen"), Offer(OfferKind.PERCENT, percent=25))
REQUESTS = [HookRequest(MUG, "warm", index, 1) for index in range(4)]


class Counting:
    """Answers with the number of the request, and counts what it is asked."""

    name, version, languages = "counting", "1", frozenset({"en"})

    def __init__(self) -> None:
        self.asked: list[HookRequest] = []

    def prompt(self, request: HookRequest) -> str:
        return f"number {request.index}"

    def propose(self, requests: Sequence[HookRequest]) -> list[list[str]]:
        self.asked += requests
        return [[f"{request.brief.product.title} {request.index}"] for request in requests]


def run(path: Path, requests: Sequence[HookRequest], model: Counting | None = None) -> tuple[list[list[str]], int]:
    model = model or Counting()
    with RememberedHooks(model, path) as hooks:
        return hooks.propose(requests), len(model.asked)


def test_answers_are_kept_and_not_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "p"
    first = run(path, REQUESTS[:2])
    assert first == ([["Stoneware Mug 0"], ["Stoneware Mug 1"]], 2)
    assert run(path, REQUESTS) == ([[f"Stoneware Mug {i}"] for i in range(4)], 2)
    assert run(path, REQUESTS)[1] == 0


def test_a_changed_question_is_asked_anew(tmp_path: Path) -> None:
    path = tmp_path / "p"
    run(path, REQUESTS)
    cheaper = replace(MUG, product=replace(MUG.product, price_minor=2300))
    assert run(path, [replace(REQUESTS[0], brief=cheaper)])[1] == 1
    assert run(path, [replace(REQUESTS[0], seed=2)])[1] == 1
    newer = Counting()
    newer.version = "2"
    assert run(path, REQUESTS[:1], newer)[1] == 1


def test_every_torn_tail_is_cut_and_written_again(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    run(whole, REQUESTS)
    content = whole.read_bytes()
    lines = content.splitlines(keepends=True)
    for end in range(len(content)):
        path = tmp_path / "torn"
        path.write_bytes(content[:end])
        kept = sum(len(b"".join(lines[: n + 1])) <= end for n in range(len(lines)))
        answers, asked = run(path, REQUESTS)
        assert answers == [[f"Stoneware Mug {i}"] for i in range(4)]
        assert asked == 4 - max(kept - 1, 0)
        assert path.read_bytes() == content


def test_another_run_a_foreign_file_and_a_newer_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p"
    with RememberedHooks(Counting(), path), pytest.raises(FailedPrecondition, match="another run"):
        RememberedHooks(Counting(), path)
    foreign = tmp_path / "notes.txt"
    foreign.write_text("milk\neggs\n")
    with pytest.raises(InvalidInput, match=r"notes\.txt:1"):
        RememberedHooks(Counting(), foreign)
    assert foreign.read_text() == "milk\neggs\n"
    newer = tmp_path / "newer"
    newer.write_text(json.dumps({"schema": "armsreach.copy.progress.v2"}) + "\n")
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        RememberedHooks(Counting(), newer)
    with pytest.raises(InvalidInput, match="--output"):
        RememberedHooks(Counting(), tmp_path / "absent" / "p")
