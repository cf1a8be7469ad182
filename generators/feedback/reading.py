"""Read many comments of both languages, in chunks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from generators.feedback.comment import Comment
from generators.feedback.opinion import Opinion
from generators.feedback.reader_model import OpinionModel

_CHUNK = 256


class OpinionReader(Protocol):
    """What reads opinions out of texts of one language."""

    def read(self, texts: Sequence[str]) -> list[Opinion]:
        """Read one opinion a text, in order."""


@dataclass(frozen=True, slots=True)
class ReadComment:
    """A comment with the opinion in it."""

    comment: Comment
    opinion: Opinion


def read_opinions(
    comments: Sequence[Comment],
    models: Mapping[str, OpinionReader] | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[ReadComment]:
    """Read comments, each by the model of its language.

    Args:
        comments: In any mix of languages.
        models: Language → model; the packaged ones by default.
        progress: Told how many more are read.

    Returns:
        As many, in the same order.
    """
    models = dict(models or {})
    found: dict[int, Opinion] = {}
    for language in dict.fromkeys(comment.language for comment in comments):
        model = models.get(language) or OpinionModel.packaged(language)
        places = [place for place, comment in enumerate(comments) if comment.language == language]
        for start in range(0, len(places), _CHUNK):
            chunk = places[start : start + _CHUNK]
            found.update(zip(chunk, model.read([comments[place].text for place in chunk]), strict=True))
            if progress is not None:
                progress(len(chunk))
    return [ReadComment(comment, found[place]) for place, comment in enumerate(comments)]
