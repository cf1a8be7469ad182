"""Read what an OpenAI-compatible endpoint answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_QUOTES = "\"'“”‘’「」『』"
_LABEL = re.compile(r"^(?:line|文案)\s*[:：]\s*", re.IGNORECASE)


class MalformedAnswer(Exception):
    """The body is not an answer; the call is made again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        lines: Proposed lines, in the order given.
        tokens_in: Tokens of the prompt, or None where the endpoint does not count.
        tokens_out: Tokens of the answer, or None.
        model: Which model the endpoint says it was, with its fingerprint where there is one.
    """

    lines: tuple[str, ...]
    tokens_in: int | None
    tokens_out: int | None
    model: str

    @classmethod
    def read(cls, body: bytes, *, structured: bool) -> Answer:
        """Read a chat or text completion.

        Args:
            body: JSON.
            structured: The text is a JSON object with `lines`; else it is one line. A text that is not one has no
                lines: the endpoint did its part, and would charge for a second try.

        Raises:
            MalformedAnswer: It is no completion, or holds no text.
        """
        try:
            data = json.loads(body)
            choice = data["choices"][0]
            text = _text(choice["message"]["content"] if "message" in choice else choice["text"])
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise MalformedAnswer(type(error).__name__) from error
        usage = data.get("usage") if isinstance(data.get("usage"), dict) else {}
        model = "/".join(str(data[key]) for key in ("model", "system_fingerprint") if data.get(key))
        tokens_in, tokens_out = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
        lines = _structured(text) if structured else [text]
        return cls(tuple(_clean(line) for line in lines), tokens_in, tokens_out, model)


def _text(content: Any) -> str:
    if not isinstance(content, str):
        raise TypeError
    return content


def _structured(text: str) -> list[str]:
    try:
        # Models put line breaks into strings.
        lines = json.loads(text, strict=False)["lines"]
    except (ValueError, KeyError, TypeError):
        return []
    return [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []


def _count(usage: dict[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _clean(text: str) -> str:
    """Return the first line, without quotation marks around it or a label before it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(_LABEL.sub("", lines[0]).strip(_QUOTES).split()) if lines else ""
