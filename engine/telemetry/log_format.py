"""How log lines look: text, or a JSON object a line."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Literal

import orjson

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

FIELDS = ("campaign", "decision_id", "mode", "arm", "propensity", "snapshot", "alarm")
"""What a record may carry as `extra`. Nothing else of it is written: no user, no context, no text of a shopper."""


class JsonFormatter(logging.Formatter):
    """A JSON object a line: `at`, `level`, `logger`, `message`, those of `FIELDS` that there are, `traceback`."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((name, value) for name in FIELDS if (value := getattr(record, name, None)) not in (None, ""))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def set_up_logging(form: Literal["text", "json"]) -> None:
    """Log to standard error, from INFO."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
