"""Comments as outcomes: into a file that the server takes, or straight to the server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from google.protobuf import json_format

from engine.calling import calls
from engine.core.outcome import Outcome, OutcomeType
from engine.pb.armsreach.v1 import delivery_pb2
from engine.service.requests import Recorded
from generators.feedback.reading import ReadComment


class Reports(Protocol):
    """The client's verb that takes outcomes."""

    def report(self, outcomes: Iterable[Outcome]) -> Recorded:
        """Report outcomes; a second report of an id changes nothing."""


def comment_outcomes(read: Sequence[ReadComment], campaign: str, *, now: datetime) -> tuple[list[Outcome], int]:
    """Turn comments that name a decision, or a user and a time, into outcomes of type `comment`.

    Ids come from the comment's own id, or else from what it says about what and when, so that the same file may be
    reported twice.

    Args:
        read: Comments with their opinions.
        campaign: Campaign id.
        now: When a comment that names a decision and no time counts as said; its id does not depend on it.

    Returns:
        The outcomes, and how many comments name neither.
    """
    outcomes: dict[str, Outcome] = {}
    unnamed = 0
    for item in read:
        comment = item.comment
        if not comment.decision_id and not (comment.user and comment.at):
            unnamed += 1
            continue
        outcome = Outcome(
            id=_outcome_id(item, campaign),
            campaign=campaign,
            type=OutcomeType.COMMENT,
            at=comment.at or now,
            value=round(item.opinion.mood, 6),
            decision_id=comment.decision_id,
            user="" if comment.decision_id else comment.user,
        )
        outcomes.setdefault(outcome.id, outcome)
    return list(outcomes.values()), unnamed


def write_outcomes(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write them as JSON Lines, a `ReportOutcomesRequest` in protobuf's own JSON each line, as `grpcurl -d @` takes it.

    The file names shoppers where comments did: it is for the server, not for reading round.
    """
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        for message in _messages(outcomes):
            text = json_format.MessageToJson(message, indent=None, ensure_ascii=False, preserving_proto_field_name=True)
            file.write(text + "\n")
    partial.chmod(0o600)
    partial.replace(path)


def report_outcomes(outcomes: Sequence[Outcome], client: Reports) -> Recorded:
    """Send them to a server through a client; counts what was new and what it had already."""
    return client.report(outcomes)


def _messages(outcomes: Sequence[Outcome]) -> Iterator[delivery_pb2.ReportOutcomesRequest]:
    for call in calls.report(outcomes):
        yield call.request


def _outcome_id(item: ReadComment, campaign: str) -> str:
    comment = item.comment
    said = comment.at.isoformat() if comment.at else ""
    own = (comment.id,) if comment.id else (comment.decision_id, comment.user, said, comment.text)
    parts = "\0".join((campaign, *own))
    return f"comment-{hashlib.blake2b(parts.encode(), digest_size=16).hexdigest()}"
