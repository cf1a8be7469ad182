"""Reads what shoppers say about each variant, as `python -m generators feedback` writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.errors import InvalidInput, UnsupportedVersion

_FAMILY, _VERSION = "armsreach.feedback.v", 1


@dataclass(frozen=True, slots=True)
class Comments:
    """What is said of one variant.

    Attributes:
        count: How many comments.
        mood: Mean mood from -1 to 1 with its interval, (value, low, high); None where there are too few.
        topics: What they speak of, most frequent first.
    """

    count: int
    mood: tuple[float, float, float] | None
    topics: tuple[str, ...]

    def __str__(self) -> str:
        """One cell of a table."""
        said = f"{self.count}"
        if self.mood:
            said += "  mood {:+.2f} [{:+.2f}, {:+.2f}]".format(*self.mood)
        return f"{said}  {', '.join(self.topics[:2])}" if self.topics else said


def read_feedback(path: Path) -> dict[str, Comments]:
    """Variant → what is said of it.

    Raises:
        InvalidInput: The file is not what `feedback` wrote beside its output (`NAME.variants.json`).
        UnsupportedVersion: A newer armsreach wrote it.
    """
    try:
        document = json.loads(path.read_bytes())
        schema = str(document["schema"])
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", file=str(path)) from None
    except (ValueError, KeyError, TypeError):
        raise InvalidInput("expected the NAME.variants.json of `generators feedback`", file=str(path)) from None
    if schema != f"{_FAMILY}{_VERSION}":
        if schema.startswith(_FAMILY) and schema.removeprefix(_FAMILY).isdigit():
            raise UnsupportedVersion(f"{path}: {schema}, and this armsreach reads v{_VERSION}; upgrade armsreach here")
        raise InvalidInput(f"expected {_FAMILY}{_VERSION}, got {schema!r}", field="schema", file=str(path))
    try:
        return {str(item["variant"]): _comments(item) for item in document["variants"]}
    except (KeyError, TypeError) as error:
        raise InvalidInput(f"a variant lacks {error}; run `generators feedback` again", file=str(path)) from None


def _comments(item: dict[str, Any]) -> Comments:
    mood = item["mood"]
    interval = None if mood is None else (float(mood["value"]), float(mood["low"]), float(mood["high"]))
    return Comments(int(item["comments"]), interval, tuple(item["topics"]))
