"""Which arms could not be played for a cap or a budget: all that a replay asks of `excluded`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from simulator.capped_channels import CAP_WORDS
from simulator.not_plain import NotPlain, require

__all__ = ["capped", "capped_frame"]

_LIMITED = re.compile(CAP_WORDS)


def capped(excluded: object) -> Mapping[str, str] | None:
    """Keep the exclusions that speak of a cap or a budget; None where there is none."""
    if not isinstance(excluded, dict):
        return None
    return {arm: why for arm, why in excluded.items() if isinstance(why, str) and _LIMITED.search(why)} or None


def capped_frame(series: pl.Series) -> NDArray[np.object_]:
    """Do so for many records: structs, maps, or the JSON text of objects.

    Raises:
        NotPlain: When it is something else.
    """
    kept: list[Mapping[str, str] | None] = [None] * len(series)
    if isinstance(series.dtype, pl.Struct):
        for name in series.struct.fields:
            reasons = series.struct.field(name)
            for row in reasons.str.contains(CAP_WORDS).arg_true() if reasons.dtype == pl.String else ():
                kept[row] = {**(kept[row] or {}), name: reasons[row]}
    elif series.dtype == pl.Map(pl.String, pl.String):
        pairs = (
            pl.DataFrame({"row": np.arange(len(series)), "pair": series.map.entries()}).explode("pair").unnest("pair")
        )
        for row, arm, reason in pairs.filter(pl.col("value").str.contains(CAP_WORDS)).iter_rows():
            kept[row] = {**(kept[row] or {}), arm: reason}
    else:
        require(series.dtype == pl.String)
        for row in series.str.contains(CAP_WORDS).arg_true():
            kept[row] = capped(_decoded(series[row]))
    column = np.empty(len(kept), dtype=object)
    column[:] = kept
    return column


def _decoded(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotPlain from error
