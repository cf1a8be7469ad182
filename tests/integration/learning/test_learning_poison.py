"""Outcomes that no server of ours would write: set aside with a reason each; learning goes on as without them."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.core.outcome import Outcome, OutcomeType
from engine.journal import Mark, SegmentWriter, encode
from engine.journal.segment import frame

START_SECONDS = 400.0
KEYED = "00000000000000000000000000000001"
GOOD: list[Any] = ["poison", "spring", "click", 1_772_323_200_000_000, 1.0, KEYED, "", ""]


def changed(at: int, value: Any) -> bytes:
    return json.dumps([*GOOD[:at], value, *GOOD[at + 1 :]]).encode()


POISON = {
    "a purchase below nothing": json.dumps([*GOOD[:2], "purchase", GOOD[3], -5.0, *GOOD[5:]]).encode(),
    "a refund that is a text": json.dumps([*GOOD[:2], "refund", GOOD[3], "5", *GOOD[5:]]).encode(),
    "no value": changed(4, None),
    "a value that is a truth": changed(4, True),
    "a value beyond all numbers": json.dumps(GOOD).replace("1.0", "1e999").encode(),
    "a type nobody knows": changed(2, "teleport"),
    "a type that is a list": changed(2, ["click"]),
    "no id": changed(0, ""),
    "an id that is a number": changed(0, 7),
    "an id that is no text": b'["\\ud800' + json.dumps(GOOD).encode()[8:],
    "a decision id that is a list": changed(5, [KEYED]),
    "a decision id that is a number": changed(5, 1),
    "a user that is an object": changed(6, {"name": "x"}),
    "a reason that is missing": json.dumps(GOOD[:-1]).encode(),
    "a field too many": json.dumps([*GOOD, 1]).encode(),
    "neither decision nor user": changed(5, ""),
    "a time beyond the calendar": changed(3, 1 << 62),
    "a time that is a text": changed(3, "yesterday"),
    "not an array": b'{"id": "poison"}',
    "half an array": json.dumps(GOOD).encode()[:-9],
    "nothing": b"",
    "bytes": bytes(range(256)),
    "very deep": b"[" * 100_000,
}
POISON = {what: body.replace(b"poison", b"poison-%02d" % i) for i, (what, body) in enumerate(POISON.items())}
"""Each under an outcome id of its own, or all but the first would be duplicates."""


def poisoned(shop: Any, bodies: list[bytes]) -> None:
    """A worker's chain, whose checksums are right, with these outcomes in the middle of the shop's business."""
    writer = SegmentWriter(shop.folder / "journal", "worker-9")
    writer.append(Mark(), shop.after(0.0))
    writer.commit()
    good = encode(
        Outcome("x", "spring", OutcomeType.CLICK, shop.after(0.0), decision_id="y"), shop.after(START_SECONDS)
    )
    closing = encode(Mark(closed=True), shop.after(START_SECONDS))
    prefix = good[: struct.calcsize("<BBq")]
    with open(shop.folder / "journal" / "worker-9" / "00000001.segment", "ab") as file:
        for payload in [*(prefix + body for body in bodies), closing]:
            file.write(frame(payload, 16))
    writer._lock.release()


@pytest.fixture
def clean(make_shop: Callable[..., Any]) -> Any:
    return ran(make_shop(folder="clean"))


def ran(shop: Any) -> Any:
    shop.run(600)
    shop.quiet(1_000)
    return shop


def letters(path: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_poison_is_set_aside_and_the_model_is_as_without_it(make_shop: Callable[..., Any], clean: Any) -> None:
    shop = ran(make_shop(folder="poisoned"))
    unknown = json.dumps([*GOOD[:5], "f" * 32, "", ""]).encode()
    poisoned(shop, [*POISON.values(), unknown])
    expected, learning = clean.learning(), shop.learning()
    expected.step()
    learning.step()
    assert learning.learned == expected.learned > 300
    assert learning.to_bytes() == expected.to_bytes()
    noted = letters(shop.folder / "journal" / "dead_letters.jsonl")
    assert len(noted) == len(POISON)
    for (what, body), letter in zip(POISON.items(), noted, strict=True):
        assert letter["chain"] == "worker-9", what
        assert letter["bytes"] == len(body) + 10, what
        assert "expected a record of version 1 and kind 2: " in letter["reason"], what
        assert len(letter["reason"]) < 300, what
    assert not (clean.folder / "journal" / "dead_letters.jsonl").exists()
    (orphan,) = [one for one in letters(shop.folder / "learner" / "dead_letters.jsonl") if one["chain"] == "worker-9"]
    assert "no decision of this campaign" in orphan["reason"]
    assert learning.join_tally == replace(expected.join_tally, rejected=expected.join_tally.rejected + 1)
    learning.close()
    again = shop.learning()
    again.step()
    assert again.to_bytes() == expected.to_bytes()
    assert len(letters(shop.folder / "journal" / "dead_letters.jsonl")) == len(POISON), "once is enough"
    again.close()
    expected.close()
