"""Log lines as JSON: what stands in them, and what must not."""

import logging
import sys

import orjson

from engine.telemetry.log_format import JsonFormatter


def line(**extra: object) -> dict[str, object]:
    record = logging.LogRecord("engine.x", logging.WARNING, __file__, 1, "a %s", ("b",), None)
    record.__dict__.update(extra)
    found: dict[str, object] = orjson.loads(JsonFormatter().format(record))
    return found


def test_fields_and_nothing_else() -> None:
    found = line(decision_id="00ff", campaign="promo", user="somebody@example.com", arm="")
    assert found.pop("at")
    assert found == {
        "level": "WARNING",
        "logger": "engine.x",
        "message": "a b",
        "decision_id": "00ff",
        "campaign": "promo",
    }


def test_a_traceback_is_one_field_of_one_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    text = JsonFormatter().format(record)
    assert "\n" not in text
    assert "ValueError: broken" in orjson.loads(text)["traceback"]
