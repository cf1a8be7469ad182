"""The MineThatData e-mail challenge (Kevin Hillstrom, 2008) as a decision log.

64,000 customers, each sent one of two e-mails or nothing, with probability 1/3 each; two weeks of visits, purchases
and spend.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.core.errors import InvalidInput
from simulator.importers.table_source import TableRow, table_rows

__all__ = ["HILLSTROM_ARMS", "hillstrom_records"]

_COLUMNS = (
    *("recency", "history_segment", "history", "mens", "womens", "zip_code", "newbie", "channel"),
    *("segment", "visit", "conversion", "spend"),
)
_SEGMENTS = {"Mens E-Mail": "mens/email/day0", "Womens E-Mail": "womens/email/day0", "No E-Mail": "hold"}
_ELIGIBLE = list(_SEGMENTS.values())

#: What the arms are, for the catalogue beside the log.
HILLSTROM_ARMS: Mapping[str, Mapping[str, Any]] = {
    "mens/email/day0": {"variant": "mens", "channel": "email", "slot": "day0"},
    "womens/email/day0": {"variant": "womens", "channel": "email", "slot": "day0"},
    "hold": {},
}


def hillstrom_records(path: str, cost: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    """Yield one decision a customer: visit → click, conversion → purchase with its spend.

    The source's `channel` is where the customer bought before: context, not an arm.

    Args:
        path: The CSV file, gzipped or not.
        cost: Arm id → stated cost of playing it once.

    Raises:
        UnusableLog: When a line or field is not what the source should have.
        InvalidInput: When a cost is stated for an arm that does not exist.
    """
    for arm in cost:
        if arm not in _ELIGIBLE:
            raise InvalidInput(f"expected one of {', '.join(_ELIGIBLE)}; got {arm!r}; correct the arm", field="--cost")
    for row in table_rows(path, _COLUMNS):
        yield _decision(row, cost)


def _decision(row: TableRow, cost: Mapping[str, float]) -> dict[str, Any]:
    segment = row.text("segment")
    if segment not in _SEGMENTS:
        row.refuse("segment", "one of " + ", ".join(_SEGMENTS), repr(segment), "correct the cell")
    arm, customer = _SEGMENTS[segment], f"customer{row.line - 1:05d}"
    return {
        "schema": "armsreach.decision.v1",
        "decision_id": f"hillstrom-{row.line - 1:05d}",
        "campaign": "hillstrom",
        "user": customer,
        "arm": arm,
        "propensity": 1 / 3,
        "eligible": _ELIGIBLE,
        "probabilities": [1 / 3, 1 / 3, 1 / 3],
        "context": {
            "recency": row.whole("recency"),
            "history": row.number("history"),
            "history_segment": row.text("history_segment"),
            "mens": row.flag("mens"),
            "womens": row.flag("womens"),
            "zip_code": row.text("zip_code"),
            "newbie": row.flag("newbie"),
            "channel": row.text("channel"),
        },
        "outcomes": _outcomes(row, cost.get(arm, 0.0)),
    }


def _outcomes(row: TableRow, cost: float) -> list[dict[str, Any]]:
    outcomes: list[dict[str, Any]] = []
    spend = row.number("spend")
    if spend < 0:
        row.refuse("spend", "an amount of 0 or more", spend, "correct the cell")
    if row.flag("visit"):
        outcomes.append({"type": "click"})
    if row.flag("conversion"):
        outcomes.append({"type": "purchase", "value": spend})
    if cost:
        outcomes.append({"type": "cost", "value": cost})
    return outcomes
