"""How a space file writes what may be tried: values, lists of values, ranges."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from engine.core.errors import ConfigError

__all__ = ["drawn", "every"]

_RANGE = {"from", "to", "steps", "log"}


def every(value: Any, field: str) -> list[Any]:
    """List everything that a value of a space file stands for, in its order.

    A list is a choice of its items, and an item that is a list is taken as it is. A table with `from` and `to` is a
    range of `steps` numbers (whole ones where both ends are), evenly spaced, or on a log scale with `log = true`. Any
    other table is every combination of its values.

    Args:
        value: As TOML gives it.
        field: Where it stands, for messages.

    Raises:
        ConfigError: When a range is none, or nothing is to choose from.

    >>> every({"kind": "softmax", "lambda": {"from": 1, "to": 4, "steps": 3, "log": True}}, "exploration")
    [{'kind': 'softmax', 'lambda': 1}, {'kind': 'softmax', 'lambda': 2}, {'kind': 'softmax', 'lambda': 4}]
    """
    if isinstance(value, list):
        return [one for item in _items(value, field) for one in _item(item, field)]
    if not isinstance(value, Mapping):
        return [value]
    if _is_range(value):
        _ends(value, field)
        if "steps" not in value:
            raise ConfigError("a range in a grid needs `steps`; add it, or search at random", field=field)
        return _points(value, field)
    parts = [every(item, f"{field}.{name}") for name, item in value.items()]
    return [dict(zip(value, chosen, strict=True)) for chosen in product(*parts)]


def drawn(value: Any, field: str, random: np.random.Generator) -> Any:
    """Draw one of the things that a value stands for: items alike, ranges evenly, or evenly on their log scale.

    Raises:
        ConfigError: As `every`.
    """
    if isinstance(value, list):
        items = _items(value, field)
        item = items[int(random.integers(len(items)))]
        return item if isinstance(item, list) else drawn(item, field, random)
    if not isinstance(value, Mapping):
        return value
    if not _is_range(value):
        return {name: drawn(item, f"{field}.{name}", random) for name, item in value.items()}
    if "steps" in value:
        points = _points(value, field)
        return points[int(random.integers(len(points)))]
    low, high, log = _ends(value, field)
    at = float(random.uniform(math.log(low), math.log(high))) if log else float(random.uniform(low, high))
    return _number(math.exp(at) if log else at, value)


def _item(item: Any, field: str) -> list[Any]:
    return [item] if isinstance(item, list) else every(item, field)


def _items(value: Sequence[Any], field: str) -> Sequence[Any]:
    if not value:
        raise ConfigError("expected something to choose from, got an empty list", field=field)
    return value


def _is_range(value: Mapping[str, Any]) -> bool:
    return "from" in value or "to" in value


def _points(value: Mapping[str, Any], field: str) -> list[float]:
    low, high, log = _ends(value, field)
    steps = value["steps"]
    if not isinstance(steps, int) or isinstance(steps, bool) or not 2 <= steps <= 1000:
        raise ConfigError(f"expected 2 to 1,000 steps, got {steps!r}", field=f"{field}.steps")
    points = np.geomspace(low, high, steps) if log else np.linspace(low, high, steps)
    return list(dict.fromkeys(_number(float(point), value) for point in points))


def _ends(value: Mapping[str, Any], field: str) -> tuple[float, float, bool]:
    unknown = set(value) - _RANGE
    if unknown:
        raise ConfigError(f"unknown in a range; it has {', '.join(sorted(_RANGE))}", field=f"{field}.{min(unknown)}")
    ends, log = (value.get("from"), value.get("to")), value.get("log", False)
    low, high = (float(end) if _is_number(end) else math.nan for end in ends)  # type: ignore[arg-type]
    # Written so that NaN is refused.
    if not low < high:
        raise ConfigError(f"expected numbers from < to, got {ends[0]!r} and {ends[1]!r}", field=field)
    if not isinstance(log, bool) or (log and low <= 0):
        raise ConfigError("expected `log = true` with `from` above 0", field=field)
    return low, high, log


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(value: float, stated: Mapping[str, Any]) -> float:
    """Round to whole numbers where both ends are whole, else to four digits: what is shown is what was tried."""
    if isinstance(stated["from"], int) and isinstance(stated["to"], int):
        return round(value)
    near = next((end for end in (stated["from"], stated["to"]) if math.isclose(value, end, rel_tol=1e-9)), None)
    return float(f"{value:.4g}" if near is None else near)
