"""Decisions of ours that were exported as dsjson, put together again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.importers.flat_features import flat_features
from simulator.importers.json_source import JsonLine

__all__ = ["KEPT", "kept_apart", "restored"]

#: Key of an exported line under which stands what dsjson has no place for.
KEPT = "_armsreach"


def kept_apart(line: JsonLine) -> Mapping[str, Any]:
    """Return what an export kept apart; a line of another source has nothing.

    Raises:
        UnusableLog: When it is no object.
    """
    kept = line.fields.get(KEPT)
    if kept is not None and not isinstance(kept, dict):
        line.refuse(KEPT, "an object, as the export writes it", kept, "export the log again")
    return kept or {}


def restored(record: dict[str, Any], context: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Put a decision together from what dsjson has a place for, its context and what was kept apart."""
    record["context"] = {**flat_features(context).features, **(kept.get("context") or {})}
    if isinstance(context.get("embedding"), list):
        record["context"] = {
            name: value for name, value in record["context"].items() if not name.startswith("embedding[")
        }
        record["embedding"] = context["embedding"]
    return {**record, **{name: value for name, value in kept.items() if name not in ("context", "arms")}}
