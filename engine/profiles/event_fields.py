"""Text of a shop's rows → typed fields, and the reason for each row that is unusable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from engine.core.errors import InvalidInput
from engine.profiles.columns import EventColumns
from engine.profiles.event_type import type_words

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "user": pl.String,
    "item": pl.String,
    "type": pl.String,
    "at": pl.Datetime("us", "UTC"),
    "quantity": pl.Float64,
    "value": pl.Float64,
    "query": pl.String,
}
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
_LONGEST = 256
_FORMATS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y/%m/%d %H:%M:%S",
            "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y%m%d")  # fmt: skip
_MOST_PIECES = 1e6
_MOST_MONEY = 1e9

# Reason → the field it is about; in the order in which they are looked at.
REASONS = {
    "no user": "user",
    "user id too long": "user",
    "unknown type": "type",
    "no item": "item",
    "item id too long": "item",
    "no query": "query",
    "no time": "at",
    "unreadable time": "at",
    "impossible time": "at",
    "impossible quantity": "quantity",
    "impossible value": "value",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """One batch.

    Attributes:
        rows: Usable rows; columns of `SCHEMA`, and `event_id` if the file has it.
        faults: Column `reason` with null for usable rows, in the file's order.
    """

    rows: pl.DataFrame
    faults: pl.Series


def typed(frame: pl.DataFrame, columns: EventColumns, present: Sequence[str], now: datetime) -> Typed:
    """Type a batch of rows.

    Args:
        frame: Fields as columns, see `EventColumns.given`.
        columns: What the fields are.
        present: All columns of the file.
        now: Later events, by more than a day, are impossible.
    """
    constant = columns.constant_type(present)
    words = type_words(columns.words)
    raw = frame.with_columns(pl.lit(None, pl.String).alias(name) for name in SCHEMA if name not in frame.columns)
    kind = (
        pl.lit(constant.value)
        if constant is not None
        else _text("type").str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.String)
    )
    parsed = raw.with_columns(
        _text("user").alias("user"),
        _text("item").alias("item"),
        _text("query").alias("query"),
        kind.alias("type"),
        _time(raw.schema["at"], columns.time_zone).alias("at"),
        _text("at").is_null().alias("_no_time"),
        _number("quantity").alias("quantity"),
        _number("value").alias("value"),
        _text("quantity").is_null().alias("_no_quantity"),
        _text("value").is_null().alias("_no_value"),
    )
    judged = parsed.with_columns(_reason(now).alias("reason"))
    search = pl.col("type") == "search"
    kept = judged.filter(pl.col("reason").is_null()).with_columns(
        pl.col("quantity").fill_null(1.0), pl.when(search).then(pl.col("query")).alias("query")
    )
    names = [*SCHEMA, *(["event_id"] if "event_id" in frame.columns else [])]
    casts = [_text("event_id").alias("event_id")] if "event_id" in frame.columns else []
    return Typed(kept.with_columns(casts).select(names), judged["reason"])


def _text(name: str) -> pl.Expr:
    """Stripped text; null where nothing is left."""
    text = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(text.str.len_bytes() > 0).then(text)


def _number(name: str) -> pl.Expr:
    return _text(name).cast(pl.Float64, strict=False)


def _time(kind: pl.DataType, zone: str) -> pl.Expr:
    """A time in UTC; null where there is none that can be read."""
    if isinstance(kind, pl.Datetime):
        at = pl.col("at").dt.cast_time_unit("us")
        return at.dt.convert_time_zone("UTC") if kind.time_zone else _in_utc(at, zone)
    if kind == pl.Date:
        return _in_utc(pl.col("at").cast(pl.Datetime("us")), zone)
    text = _text("at")
    zoned = text.str.replace(" ", "T", literal=True).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%#z", strict=False, time_unit="us"
    )
    plain = [_in_utc(text.str.to_datetime(form, strict=False, time_unit="us"), zone) for form in _FORMATS[:-1]]
    day = pl.when(text.str.len_bytes() == 8).then(text.str.to_datetime(_FORMATS[-1], strict=False, time_unit="us"))
    number = pl.when(text.str.len_bytes() > 8).then(text.cast(pl.Float64, strict=False))
    # Seconds since 1970 reach 10¹¹ in the year 5138, where milliseconds are in 1973.
    unit = pl.when(number.abs() < 1e11).then(1e6).when(number.abs() < 1e14).then(1e3).otherwise(1.0)
    sane = pl.when(number.is_finite() & (number.abs() < 1e17)).then(number * unit)
    since = sane.cast(pl.Int64, strict=False).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return pl.coalesce(zoned, *plain, _in_utc(day, zone), since)


def _in_utc(at: pl.Expr, zone: str) -> pl.Expr:
    """A time without a zone; where a clock is put back, the earlier of both; none in the hour that is left out."""
    return at.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")


def _reason(now: datetime) -> pl.Expr:
    user, item, kind, at = pl.col("user"), pl.col("item"), pl.col("type"), pl.col("at")
    search = kind == "search"
    quantity, value = pl.col("quantity"), pl.col("value")
    conditions = {
        "no user": user.is_null(),
        "user id too long": user.str.len_chars() > _LONGEST,
        "unknown type": kind.is_null(),
        "no item": item.is_null() & ~search,
        "item id too long": item.str.len_chars() > _LONGEST,
        "no query": pl.col("query").is_null() & search,
        "no time": pl.col("_no_time"),
        "unreadable time": at.is_null(),
        "impossible time": (at < pl.lit(_EARLIEST)) | (at > pl.lit(now + _AHEAD)),
        "impossible quantity": ~pl.col("_no_quantity")
        & ~(quantity > 0).and_(quantity <= _MOST_PIECES).fill_null(False),
        "impossible value": ~pl.col("_no_value") & ~(value >= 0).and_(value <= _MOST_MONEY).fill_null(False),
    }
    chosen = pl.lit(None, pl.String)
    for reason in reversed(REASONS):
        chosen = pl.when(conditions[reason]).then(pl.lit(reason)).otherwise(chosen)
    return chosen


def checked_zone(zone: str) -> str:
    """Refuse a time zone that nobody knows.

    Raises:
        InvalidInput: Naming the flag.
    """
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise InvalidInput(
            f"expected an IANA time zone such as Asia/Shanghai, got {zone!r}", field="--time-zone"
        ) from None
    return zone
