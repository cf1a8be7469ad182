"""What the feedback command writes and shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from generators.feedback.intervals import Interval
from generators.feedback.masking import masked
from generators.feedback.reading import ReadComment
from generators.feedback.variant_feedback import VariantFeedback
from generators.whole_file import write_whole

SCHEMA = "armsreach.feedback.v1"
_TOPICS_SHOWN = 3


def comment_records(read: Sequence[ReadComment]) -> Iterator[dict[str, Any]]:
    """Describe each comment without naming its writer: text masked, no user, no decision."""
    for item in read:
        comment, opinion = item.comment, item.opinion
        yield {
            "schema": SCHEMA,
            "line": comment.line,
            "variant": comment.variant,
            "language": opinion.language,
            "text": masked(comment.text, [comment.user, comment.decision_id, comment.id]),
            "mood": round(opinion.mood, 4),
            "sentiment": opinion.sentiment,
            "topics": {topic: round(p, 4) for topic, p in opinion.topics.items()},
            "evidence": {
                topic: [masked(comment.text[span.start : span.end], [comment.user]) for span in spans]
                for topic, spans in opinion.evidence.items()
            },
            "buys": round(opinion.buys, 4),
            "intent": opinion.intent,
        }


def write_results(read: Sequence[ReadComment], variants: Sequence[VariantFeedback], output: Path, minimum: int) -> Path:
    """Write one comment a line to `output`, and what is said of each variant beside it.

    Returns:
        The second file, `OUTPUT.variants.json`.

    Raises:
        InvalidInput: They cannot be written.
    """
    beside = output.with_name(f"{output.stem}.variants.json")
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in comment_records(read))
    write_whole(output, [lines])
    document = {
        "schema": SCHEMA,
        "comments": len(read),
        "minimum": minimum,
        "variants": [item.to_document(minimum) for item in variants],
    }
    write_whole(beside, [json.dumps(document, ensure_ascii=False, indent=1) + "\n"])
    return beside


def feedback_table(variants: Sequence[VariantFeedback], minimum: int) -> Table:
    """Lay out what is said of each variant."""
    table = Table("variant", "comments", "mood", "positive", "negative", "would buy", "speaks of")
    for item in variants:
        topics = list(item.topics.items())[:_TOPICS_SHOWN]
        table.add_row(
            item.variant or "(none named)",
            str(item.comments),
            _shown(item.mood, "+.2f", minimum),
            _shown(item.positive, ".0%", minimum),
            _shown(item.negative, ".0%", minimum),
            _shown(item.buys, ".2f", minimum),
            ", ".join(f"{topic} {count} ({mood:+.1f})" for topic, (count, mood) in topics),
        )
    return table


def _shown(interval: Interval | None, form: str, minimum: int) -> str:
    if interval is None:
        return f"under {minimum}"
    return f"{interval.value:{form}} [{interval.low:{form}}, {interval.high:{form}}]"
