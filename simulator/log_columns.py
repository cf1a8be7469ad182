"""The columns of a log that a command may name: for filters, groups and clusters."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import InvalidInput
from simulator.log import MODES, Log

__all__ = ["column_names", "column_values"]

_ACTION = {"arm", "propensity", "outcomes", "eligible", "probabilities", "seed", "decision_id"}


def column_names(log: Log) -> list[str]:
    """Name the columns that stand before the choice of arm: context, user, mode and other plain fields.

    What the choice decided (arm, propensity, outcomes) is left out: selecting rows by it would bias every estimate.
    """
    plain = [name for name, values in log.extra.items() if name not in _ACTION and _is_plain(values)]
    return sorted({*log.context, *plain, "mode", "user"})


def _is_plain(values: NDArray[np.object_]) -> bool:
    return not any(isinstance(value, list | dict) for value in values)


def column_values(log: Log, name: str) -> NDArray[np.object_]:
    """Return one column, None where absent, shape (n,).

    Raises:
        InvalidInput: When there is no such column, or it holds what the choice decided.
    """
    if name in log.context:
        return log.context[name]
    if name == "mode":
        return _taken([*MODES], log.mode)
    if name == "user":
        return _taken([*log.users, None], log.user)
    known = column_names(log)
    if name in log.extra and name in known:
        return log.extra[name]
    if name in _ACTION:
        raise InvalidInput(
            f"expected a column that stands before the choice, got {name!r}, which the choice decided: selecting "
            f"by it would bias the estimates; use one of {', '.join(known)}",
            field=name,
        )
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}"
    raise InvalidInput(f"expected a column of the log, got {name!r}; {hint}", field=name)


def _taken(names: list[Any], codes: NDArray[Any]) -> NDArray[np.object_]:
    vocabulary = np.empty(len(names), dtype=object)
    vocabulary[:] = names
    return vocabulary[codes]
