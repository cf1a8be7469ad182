"""Times of many records at once."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.log import NO_TIME
from simulator.not_plain import require

__all__ = ["frame_times"]

#: RFC 3339 as everybody reads it; polars takes more than that, and Python less.
_PLAIN = (
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$"
)


def frame_times(series: pl.Series | None, rows: int) -> NDArray[np.int64]:
    """Read a column of times as microseconds since the epoch, `NO_TIME` where there is none, shape (rows,).

    Raises:
        NotPlain: When any is not as the format says.
    """
    if series is None or series.null_count() == len(series):
        return np.full(rows, NO_TIME, dtype=np.int64)
    if series.dtype == pl.String:
        require(bool(series.str.contains(_PLAIN).all()))
        moments = series.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    else:
        require(isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone is not None)
        moments = series.cast(pl.Datetime("us", "UTC"))
    require(moments.null_count() == series.null_count())
    return moments.to_physical().fill_null(NO_TIME).to_numpy()
