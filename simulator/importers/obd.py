"""The Open Bandit Dataset as a decision log.

Source: Saito, Aihara, Matsutani and Narita, "Open Bandit Dataset and Pipeline" (2020), arXiv:2008.07146. Every row is
one position of one impression; `propensity_score` is P(item at that position).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.importers.table_source import TableRow, table_rows
from simulator.timestamps import microseconds, rfc3339

__all__ = ["OBD_NOTES", "obd_arms", "obd_records"]

_COLUMNS = ("timestamp", "item_id", "position", "click", "propensity_score")
_AFFINITY = "user-item_affinity_"
_FEATURE = "user_feature_"

#: What a reader of any replay of this log should know.
OBD_NOTES: Sequence[str] = (
    "intervals are unclustered: the source has no user id, and the positions of one slate cannot be linked",
    "slates are judged per position",
)


def obd_records(path: str, items: int) -> Iterator[dict[str, Any]]:
    """Yield one decision a row; eligible are all items at the row's position.

    Args:
        path: The CSV file, gzipped or not.
        items: Number of items of the campaign (see `obd_arms`).

    Raises:
        UnusableLog: When a line or field is not what the source should have.
    """
    eligible = {position: [_arm(item, position) for item in range(items)] for position in (1, 2, 3)}
    for row in table_rows(path, _COLUMNS):
        yield _decision(row, eligible, items)


def obd_arms(path: str) -> tuple[int, Mapping[str, Mapping[str, Any]]]:
    """Count the items and describe the arms, with item features where `item_context.csv` lies beside the log.

    The items are those that the log plays and, as in the source's own count, all with smaller ids.

    Raises:
        UnusableLog: When a line or field is not what the source should have.
    """
    items = 1 + max((row.whole("item_id") for row in table_rows(path, _COLUMNS)), default=-1)
    features: dict[int, dict[str, Any]] = {}
    beside = Path(path).with_name("item_context.csv")
    if beside.exists():
        for row in table_rows(str(beside), ("item_id", "item_feature_0")):
            features[row.whole("item_id")] = {
                name: row.number(name) if name == "item_feature_0" else value
                for name, value in row.cells.items()
                if name.startswith("item_feature_")
            }
    arms = {}
    for position in (1, 2, 3):
        for item in range(items):
            described: dict[str, Any] = {"variant": f"item{item}", "channel": "web", "slot": f"pos{position}"}
            arms[_arm(item, position)] = {**described, **({"features": features[item]} if item in features else {})}
    return items, arms


def _arm(item: int, position: int) -> str:
    return f"item{item}/web/pos{position}"


def _decision(row: TableRow, eligible: Mapping[int, list[str]], items: int) -> dict[str, Any]:
    position, item = row.whole("position"), row.whole("item_id")
    if position not in eligible:
        row.refuse("position", "1, 2 or 3", position, "correct the cell")
    at = microseconds(row.text("timestamp").replace(" ", "T"))
    if at is None:
        row.refuse("timestamp", "a time with its offset", repr(row.cells["timestamp"]), "correct the cell")
    context: dict[str, Any] = {name: value for name, value in row.cells.items() if name.startswith(_FEATURE) and value}
    for other in range(items):
        # Nearly all affinities are 0; an absent one is read as the mean of none.
        name = f"{_AFFINITY}{other}"
        if row.cells.get(name, "0.0") not in ("0.0", "0", ""):
            context[name] = row.number(name)
    return {
        "schema": "armsreach.decision.v1",
        "decision_id": f"obd-{row.line - 1:06d}",
        "decided_at": rfc3339(at),
        "arm": _arm(item, position),
        "propensity": row.propensity("propensity_score"),
        "eligible": eligible[position],
        "position": position,
        "context": context,
        "outcomes": [{"type": "click"}] if row.flag("click") else [],
    }
