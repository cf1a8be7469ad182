"""Outcomes of many records at once."""

from __future__ import annotations

import sys

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.frame_times import frame_times
from simulator.json_block import JSON_ALIKE
from simulator.not_plain import require
from simulator.outcome_table import OutcomeTable, identities

__all__ = ["OUTCOME_FIELDS", "frame_outcomes"]

_TYPES = {"type": pl.String, "value": pl.Float64, "at": pl.String, "outcome_id": pl.String}
_OUTCOMES = pl.List(pl.Struct(_TYPES))
#: What is read of an outcome.
OUTCOME_FIELDS = frozenset(_TYPES)
#: JSON whose text is not what Python makes of the value.
_ODD_ID = r"^(?:-?[0-9]+[.eE]|-0|true$|false$|[\[{])"


def frame_outcomes(lists: pl.Series) -> OutcomeTable:
    """Read a column of lists of outcomes, or of their JSON text.

    Raises:
        NotPlain: When any is not as the format says, or an outcome is repeated.
    """
    require(lists.null_count() == 0)
    as_text = lists.dtype == pl.String
    some = lists != "[]" if as_text else lists.list.len() > 0
    row_of = np.flatnonzero(some.to_numpy())
    given = lists.filter(some)
    if as_text:
        require(bool(given.str.starts_with("[").all()) and not given.str.contains('"value": (?:true|false)').any())
        given = given.str.json_decode(_OUTCOMES)
    if not row_of.size:
        none = np.zeros(0)
        whole = none.astype(np.int64)
        return OutcomeTable((), whole, none.astype(np.int32), none, whole, whole)
    require(isinstance(given.dtype, pl.List) and isinstance(given.dtype.inner, pl.Struct))
    lengths = given.list.len().to_numpy().astype(np.int64)
    flat = given.explode()
    return _table(flat.struct.unnest(), np.repeat(row_of, lengths), as_text)


def _table(flat: pl.DataFrame, row: NDArray[np.int64], as_text: bool) -> OutcomeTable:
    require("type" in flat.columns and flat.height == row.size)
    kind = flat["type"]
    require(kind.dtype == pl.String and kind.null_count() == 0 and not (kind == "").any())
    kinds = kind.unique(maintain_order=True)
    require(not as_text or not kinds.str.contains(JSON_ALIKE).any())
    value = flat.get_column("value", default=pl.Series("value", [1.0]).new_from_index(0, flat.height))
    require(value.dtype.is_integer() or value.dtype.is_float() or value.dtype == pl.Null)
    values = value.cast(pl.Float64).fill_null(1.0).to_numpy()
    require(bool((np.abs(values) <= sys.float_info.max).all()))
    require(not bool((values[kind.is_in(["refund", "cost"]).to_numpy()] < 0).any()))
    return OutcomeTable(
        tuple(kinds),
        row,
        kind.cast(pl.Enum(kinds)).to_physical().to_numpy().astype(np.int32),
        values,
        frame_times(flat.get_column("at", default=None), flat.height),
        _identities(flat, row, as_text),
    )


def _identities(flat: pl.DataFrame, row: NDArray[np.int64], as_text: bool) -> NDArray[np.int64]:
    ids = flat.get_column("outcome_id", default=None)
    if ids is None or ids.null_count() == len(ids):
        return np.zeros(flat.height, dtype=np.int64)
    require(ids.dtype == pl.String and not (as_text and ids.str.contains(_ODD_ID).any()))
    stated = ids.is_not_null()
    require(not pl.DataFrame({"row": row, "id": ids}).filter(stated).is_duplicated().any())
    return identities(ids.to_list())
