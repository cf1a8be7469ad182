"""Comments in, results out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.protobuf import json_format

from engine.core.errors import InvalidInput
from engine.core.outcome import Outcome, OutcomeType
from engine.pb.armsreach.v1 import delivery_pb2
from engine.server import codec
from generators.feedback import (
    Comment,
    CommentColumns,
    Opinion,
    ReadComment,
    by_variant,
    comment_outcomes,
    read_comments,
    read_opinions,
    write_outcomes,
)
from generators.feedback.comment_file import read_comments as read_file
from generators.feedback.cues import Span
from generators.feedback.feedback_report import write_results
from generators.feedback.intervals import clustered_mean, wilson

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def opinion(mood: float, topic: str = "price", buys: float = 0.5) -> Opinion:
    moods = {"negative": max(-mood, 0.0), "neutral": 1.0 - abs(mood), "positive": max(mood, 0.0)}
    return Opinion("en", mood, moods, {topic: 0.9}, {topic: (Span(0, 4),)}, buys, "praise")


def read(line: int, mood: float, **fields: object) -> ReadComment:
    return ReadComment(Comment("text here", line, **fields), opinion(mood))  # type: ignore[arg-type]


def test_csv_and_json_lines_give_the_same(tmp_path: Path) -> None:
    table, lines = tmp_path / "c.csv", tmp_path / "c.jsonl"
    table.write_text(
        'Kommentar,arm,when\n"Lovely, warm",a,2026-03-01T08:00:00+01:00\n,b,\n包装破了,b,\n', encoding="utf-8"
    )
    lines.write_text(
        '{"Kommentar": "Lovely, warm", "arm": "a", "when": "2026-03-01T07:00:00Z"}\n\n'
        '{"Kommentar": "包装破了", "arm": "b", "when": null}\n',
        encoding="utf-8",
    )
    columns = CommentColumns.mapped(["text=Kommentar", "variant=arm", "at=when"])
    first, second = read_comments(table, columns), read_comments(lines, columns)
    assert [(c.text, c.variant, c.at, c.language) for c in first] == [
        (c.text, c.variant, c.at, c.language) for c in second
    ]
    assert first[0].at == datetime(2026, 3, 1, 7, tzinfo=UTC)
    assert [c.language for c in first] == ["en", "zh"], "an empty comment is left out"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("c.csv", b"comment\nsecret words\n", "text=NAME"),
        ("c.csv", b"text,at\nsecret words,yesterday\n", "c.csv:2: at"),
        ("c.csv", "text\n很好\n".encode("gb18030"), "gb18030"),
        ("c.jsonl", b'{"text": "secret words"}\n{"text": ["secret"]}\n', "c.jsonl:2: text"),
        ("c.jsonl", b"secret words\n", "c.jsonl:1"),
        ("c.jsonl", b'{"text": "secret words", "language": "fr"}\n', "c.jsonl:1: language"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        read_file(tmp_path / name)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_outcomes_once_a_comment_and_only_where_there_is_a_decision() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    comments = [
        read(1, 0.5, decision_id="d1"),
        read(2, -0.25, user="u", at=at),
        read(3, 1.0, user="u"),
        read(4, 0.5, decision_id="d1"),
    ]
    outcomes, unnamed = comment_outcomes(comments, "spring", now=NOW)
    assert unnamed == 1
    assert [(o.type, o.value, o.decision_id, o.user, o.at) for o in outcomes] == [
        (OutcomeType.COMMENT, 0.5, "d1", "", NOW),
        (OutcomeType.COMMENT, -0.25, "", "u", at),
    ], "the same words about the same decision are one comment"
    later, _ = comment_outcomes(comments, "spring", now=datetime(2026, 4, 1, tzinfo=UTC))
    assert [o.id for o in later] == [o.id for o in outcomes], "so that a second report changes nothing"
    other, _ = comment_outcomes(comments, "autumn", now=NOW)
    assert {o.id for o in other}.isdisjoint(o.id for o in outcomes)


def test_the_file_is_what_the_server_takes(tmp_path: Path) -> None:
    outcome = Outcome("comment-1", "spring", OutcomeType.COMMENT, NOW, -0.5, decision_id="d1")
    write_outcomes([outcome], tmp_path / "o.jsonl")
    message = json_format.Parse((tmp_path / "o.jsonl").read_text(), delivery_pb2.ReportOutcomesRequest())
    assert codec.outcome_report(message).outcomes == (outcome,)


def test_sums_by_hand() -> None:
    moods = [1.0, 1.0, -0.5, 0.25]
    found = [read(i, mood, variant="a", user=f"u{i % 3}") for i, mood in enumerate(moods)] + [read(9, 1.0, variant="b")]
    first, second = by_variant(found, minimum=4)
    assert (first.variant, first.comments, first.people) == ("a", 4, 3)
    assert first.mood is not None
    assert first.mood.value == pytest.approx(sum(moods) / 4)
    assert first.mood.low < first.mood.value < first.mood.high
    assert first.topics == {"price": (4, pytest.approx(sum(moods) / 4))}
    assert (second.comments, second.mood) == (1, None)
    assert "fewer than 4" in second.to_document(4)["reason"]


def test_intervals() -> None:
    share = wilson(0, 20)
    assert (share.low, round(share.high, 4)) == (0.0, 0.1611)
    # One writer with all the comments says as much as one comment: both ends of the two clusters are drawn.
    loud = clustered_mean([1.0] * 98 + [-1.0] * 2, ["a"] * 98 + ["b"] * 2)
    assert (loud.low, loud.high) == (-1.0, 1.0)


def test_results_name_nobody(tmp_path: Path) -> None:
    text = "I am anna@example.com, call 13812345678, order d-777 late"
    comments = [Comment(text, 1, "a", "d-777", "user-42", NOW, "en")]
    found = read_opinions(comments, {"en": _Fixed()})
    beside = write_results(found, by_variant(found), tmp_path / "out.jsonl", 10)
    written = (tmp_path / "out.jsonl").read_text() + beside.read_text()
    for personal in ("anna", "13812345678", "user-42", "d-777"):
        assert personal not in written
    record = json.loads((tmp_path / "out.jsonl").read_text())
    assert record["variant"] == "a"
    assert record["topics"] == {"price": 0.9}


class _Fixed:
    def read(self, texts: list[str]) -> list[Opinion]:
        return [opinion(0.5) for _ in texts]
