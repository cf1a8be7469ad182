"""Contexts of many records at once."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from simulator.context_table import ContextTable, Factor
from simulator.json_block import JSON_ALIKE
from simulator.not_plain import require

__all__ = ["frame_context"]

_SCALARS = (pl.String, pl.Float64, pl.Float32, pl.Int64, pl.Int32, pl.Boolean)
#: Whole numbers up to here are exact as a float.
_EXACT = 2.0**53


def frame_context(column: pl.Series | None, rows: int) -> ContextTable:
    """Read a column of objects, or of their JSON text as polars writes it.

    Raises:
        NotPlain: When any is not as the format says, or an attribute has values of several kinds.
    """
    if column is None or column.null_count() == rows:
        return ContextTable({})
    text: pl.Series | None = None
    if column.dtype == pl.String:
        text = column.drop_nulls()
        require(bool(text.str.starts_with("{").all()))
        if bool((text == "{}").all()):
            return ContextTable({})
        column = column.str.json_decode(infer_schema_length=None)
    require(isinstance(column.dtype, pl.Struct))
    fields = column.struct.unnest()
    names = [name for name in fields.columns if fields[name].null_count() < rows]
    if text is not None:
        _require_one_kind(fields.select(names), text)
    return ContextTable({name: _factor(fields[name]) for name in names})


def _require_one_kind(fields: pl.DataFrame, text: pl.Series) -> None:
    """See that values which polars brought to one type were of that type in the JSON."""
    for name in fields.columns:
        series = fields[name]
        if series.dtype == pl.String:
            alike = series.unique().str.contains(JSON_ALIKE).any()
            require(not alike or not _occurs(text, name, r"[^\"n]"))
        elif series.dtype.is_float():
            # Whole numbers beyond may have been others before they became floats.
            require(bool((series.drop_nulls().abs() < _EXACT).all()))
        elif series.dtype.is_integer():
            flags = bool(series.is_in([0, 1]).any())
            require(not flags or not _occurs(text, name, "[tf]"))


def _occurs(text: pl.Series, name: str, begins: str) -> bool:
    """Whether an attribute has a value whose JSON begins so."""
    return bool(text.str.contains(f'"{re.escape(name)}": {begins}').any())


def _factor(series: pl.Series) -> Factor:
    require(series.dtype in _SCALARS)
    if series.dtype.is_float():
        require(bool(series.drop_nulls().is_finite().all()))
    levels = series.drop_nulls().unique(maintain_order=True)
    named = np.empty(len(levels), dtype=object)
    named[:] = levels.to_list()
    if series.dtype == pl.String:
        codes = series.cast(pl.Enum(levels)).to_physical().cast(pl.Int32).fill_null(-1).to_numpy()
        return Factor(named, codes)
    values = levels.to_numpy()
    order = np.argsort(values)
    stated = series.is_not_null().to_numpy()
    codes = np.full(len(series), -1, dtype=np.int32)
    codes[stated] = order[np.searchsorted(values[order], series.drop_nulls().to_numpy())]
    return Factor(named, codes)
