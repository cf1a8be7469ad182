"""What shoppers say about each variant, with how sure one can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from generators.feedback.intervals import Interval, clustered_mean, wilson
from generators.feedback.reading import ReadComment

MINIMUM = 10
"""Below so many comments a variant gets counts and no shares."""


@dataclass(frozen=True, slots=True)
class VariantFeedback:
    """Comments about one variant.

    Attributes:
        variant: Its id; empty for comments that name none.
        comments: How many.
        people: How many different writers; a comment without a writer counts as one.
        mood: Mean mood from -1 to 1, bootstrap by writer; None below the minimum.
        positive: Share of comments read as positive, Wilson; None below the minimum.
        negative: Share read as negative; None below the minimum.
        buys: Mean purchase intention, bootstrap by writer; None below the minimum.
        topics: Topic → (comments, their mean mood), most frequent first.
        intents: Intent → comments.
    """

    variant: str
    comments: int
    people: int
    mood: Interval | None
    positive: Interval | None
    negative: Interval | None
    buys: Interval | None
    topics: dict[str, tuple[int, float]]
    intents: dict[str, int]

    @classmethod
    def of(cls, variant: str, read: Sequence[ReadComment], minimum: int = MINIMUM) -> VariantFeedback:
        """Sum up the comments of one variant, at least one."""
        opinions = [item.opinion for item in read]
        people = [item.comment.user or f"\0{item.comment.line}" for item in read]
        moods = [opinion.mood for opinion in opinions]
        said = Counter(opinion.sentiment for opinion in opinions)
        of_topic: dict[str, list[float]] = {}
        for opinion in opinions:
            for topic in opinion.topics:
                of_topic.setdefault(topic, []).append(opinion.mood)
        ranked = sorted(of_topic.items(), key=lambda item: (-len(item[1]), item[0]))
        enough = len(read) >= minimum and len(set(people)) > 1
        return cls(
            variant=variant,
            comments=len(read),
            people=len(set(people)),
            mood=clustered_mean(moods, people) if enough else None,
            positive=wilson(said["positive"], len(read)) if enough else None,
            negative=wilson(said["negative"], len(read)) if enough else None,
            buys=clustered_mean([opinion.buys for opinion in opinions], people) if enough else None,
            topics={topic: (len(values), sum(values) / len(values)) for topic, values in ranked},
            intents=dict(Counter(opinion.intent for opinion in opinions).most_common()),
        )

    def to_document(self, minimum: int = MINIMUM) -> dict[str, Any]:
        """Write it as a JSON object; what is not known is null, with a reason."""
        document: dict[str, Any] = {"variant": self.variant, "comments": self.comments, "people": self.people}
        for name in ("mood", "positive", "negative", "buys"):
            interval = getattr(self, name)
            document[name] = None if interval is None else {k: getattr(interval, k) for k in ("value", "low", "high")}
        if self.mood is None:
            document["reason"] = f"fewer than {minimum} comments, or all of one writer"
        document["topics"] = {topic: {"comments": n, "mood": mood} for topic, (n, mood) in self.topics.items()}
        document["intents"] = self.intents
        return document


def by_variant(read: Sequence[ReadComment], minimum: int = MINIMUM) -> list[VariantFeedback]:
    """Sum up comments by variant, most commented first; those that name none come last."""
    groups: dict[str, list[ReadComment]] = {}
    for item in read:
        groups.setdefault(item.comment.variant, []).append(item)
    ranked = sorted(groups.items(), key=lambda group: (not group[0], -len(group[1]), group[0]))
    return [VariantFeedback.of(variant, group, minimum) for variant, group in ranked]
