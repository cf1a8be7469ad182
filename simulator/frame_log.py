"""Turns a data frame of well-formed records into a log, column by column."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from simulator.capped_channels import CAP_WORDS
from simulator.context_table import ContextTable, Factor
from simulator.log import MODES, NO_TIME, Log
from simulator.outcome_table import OutcomeTable, identities
from simulator.record_check import SCHEMA

__all__ = ["ArmNames", "NotPlain", "frame_log"]

_LARGEST_SINGLE = float(np.finfo(np.float32).max)
_OUTCOMES = pl.List(pl.Struct({"type": pl.String, "value": pl.Float64, "at": pl.String, "outcome_id": pl.String}))
_SCALARS = (pl.String, pl.Float64, pl.Float32, pl.Int64, pl.Int32, pl.Boolean)


class NotPlain(Exception):
    """A record is wrong or unusual: read it one by one, with exact messages."""


@dataclass(slots=True)
class ArmNames:
    """The vocabulary of arms, which grows as chunks are read.

    Attributes:
        names: Arm ids in order of first sight.
        catalogue: What records say of arms inline.
    """

    names: list[str] = field(default_factory=list)
    catalogue: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def codes(self, series: pl.Series) -> NDArray[np.int32]:
        """Number arm ids, new ones included; shape (len(series),)."""
        new = series.unique(maintain_order=True)
        known = set(self.names)
        self.names += [name for name in new if name not in known]
        return series.cast(pl.Enum(self.names)).to_physical().to_numpy().astype(np.int32)


def frame_log(frame: pl.DataFrame, source: str, lines: NDArray[np.int64], arms: ArmNames) -> Log:
    """Check and convert records that are all as the format says.

    Args:
        frame: One record a row; nested fields may still be JSON text.
        source: For messages.
        lines: Line of each record.
        arms: Vocabulary, extended in place.

    Raises:
        NotPlain: When any record is not; nothing is said about which one, or why.
    """
    try:
        return _Frame(frame, source, lines, arms).log()
    except pl.exceptions.PolarsError as error:
        raise NotPlain from error


class _Frame:
    def __init__(self, frame: pl.DataFrame, source: str, lines: NDArray[np.int64], arms: ArmNames) -> None:
        self._frame, self._source, self._lines, self._arms = frame, source, lines, arms
        self._rows = frame.height

    def log(self) -> Log:
        _require(self._lines.size == self._rows > 0)
        self._check_schema()
        ids = self._text("decision_id")
        offsets, eligible = self._eligible()
        chosen, arm = self._chosen(offsets, eligible)
        propensity = self._series("propensity", pl.Float64)
        _require(propensity.null_count() == 0)
        p = propensity.to_numpy()
        _require(bool(((p > 0.0) & (p <= 1.0)).all()))
        users, user = self._users()
        self._add_inline_arms()
        return Log(
            source=self._source,
            line=self._lines,
            decision_ids=ids.to_numpy().astype(object),
            arms=tuple(self._arms.names),
            arm=arm,
            chosen=chosen,
            propensity=p,
            offsets=offsets,
            eligible=eligible,
            probabilities=self._probabilities(offsets),
            count=self._count(),
            part=np.zeros(self._rows, dtype=np.int64),
            mode=self._mode(),
            users=users,
            user=user,
            decided_at=self._times(self._frame.get_column("decided_at", default=None), self._rows),
            observed_until=self._times(self._frame.get_column("observed_until", default=None), self._rows),
            outcomes=self._outcomes(),
            context=self._context(),
            embedding=self._embedding(),
            catalogue=self._arms.catalogue,
            extra=self._extra(),
        )

    def _series(self, name: str, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
        _require(name in self._frame.columns)
        series = self._frame[name]
        _require(dtype != pl.Float64 or series.dtype.is_numeric())
        return series.cast(dtype)

    def _text(self, name: str) -> pl.Series:
        """A required string that is not empty."""
        _require(name in self._frame.columns and self._frame[name].dtype == pl.String)
        series = self._frame[name]
        _require(series.null_count() == 0 and not (series == "").any())
        return series

    def _check_schema(self) -> None:
        stated = self._frame.get_column("schema", default=None)
        _require(stated is None or bool((stated.drop_nulls() == SCHEMA).all()))

    def _eligible(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        _require("eligible" in self._frame.columns and self._frame["eligible"].dtype == pl.List(pl.String))
        lists = self._frame["eligible"]
        _require(lists.null_count() == 0)
        lengths = lists.list.len().to_numpy().astype(np.int64)
        _require(bool((lengths > 0).all()))
        flat = lists.explode()
        _require(flat.null_count() == 0 and not (flat == "").any())
        codes = self._arms.codes(flat)
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        _require(_distinct(codes, offsets, len(self._arms.names)))
        return offsets, codes

    def _chosen(
        self, offsets: NDArray[np.int64], eligible: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        arm = self._arms.codes(self._text("arm"))
        at = np.flatnonzero(eligible == np.repeat(arm, np.diff(offsets)))
        # Arms of a row are distinct, so that one place a row is found when every row lists its arm.
        _require(at.size == self._rows)
        chosen = at - offsets[:-1]
        _require(bool(((chosen >= 0) & (chosen < np.diff(offsets))).all()))
        return chosen, arm

    def _probabilities(self, offsets: NDArray[np.int64]) -> NDArray[np.float64]:
        lists = self._frame.get_column("probabilities", default=None)
        if lists is None or lists.null_count() == self._rows:
            return np.full(int(offsets[-1]), np.nan)
        _require(isinstance(lists.dtype, pl.List))
        lengths = np.diff(offsets)
        stated = lists.is_not_null().to_numpy()
        given = lists.drop_nulls()
        _require(bool((given.list.len().to_numpy() == lengths[stated]).all()))
        values = given.explode().cast(pl.Float64).to_numpy()
        flat = np.full(int(offsets[-1]), np.nan)
        flat[np.repeat(stated, lengths)] = values
        # NaN, which is a null, fails no comparison here.
        _require(not bool(((flat < 0.0) | (flat > 1.0)).any()))
        kept = np.isnan(flat)
        sums = np.add.reduceat(np.where(kept, 0.0, flat), offsets[:-1])
        whole = np.add.reduceat(kept.astype(np.int64), offsets[:-1]) == 0
        _require(not bool((sums > 1.0 + 1e-5).any()) and not bool((sums[whole] < 1.0 - 1e-5).any()))
        return flat

    def _count(self) -> NDArray[np.int64]:
        count = self._frame.get_column("count", default=None)
        if count is None:
            return np.ones(self._rows, dtype=np.int64)
        _require(count.dtype.is_integer() or count.dtype == pl.Null)
        numbers = count.cast(pl.Int64).fill_null(1).to_numpy()
        _require(bool(((numbers >= 1) & (numbers <= 2**48)).all()))
        return numbers

    def _mode(self) -> NDArray[np.int8]:
        mode = self._frame.get_column("mode", default=None)
        if mode is None:
            return np.zeros(self._rows, dtype=np.int8)
        return mode.fill_null(MODES[0]).cast(pl.Enum(MODES)).to_physical().to_numpy().astype(np.int8)

    def _users(self) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        user = self._frame.get_column("user", default=None)
        if user is None or user.null_count() == self._rows:
            return (), np.full(self._rows, -1, dtype=np.int64)
        _require(user.dtype == pl.String and not (user == "").any())
        names = user.drop_nulls().unique(maintain_order=True)
        codes = user.cast(pl.Enum(names)).to_physical().cast(pl.Int64).fill_null(-1)
        return tuple(names), codes.to_numpy()

    @staticmethod
    def _times(series: pl.Series | None, rows: int) -> NDArray[np.int64]:
        if series is None or series.null_count() == len(series):
            return np.full(rows, NO_TIME, dtype=np.int64)
        if series.dtype == pl.String:
            # An offset without its colon is read by polars, and is not RFC 3339.
            _require(not series.str.contains(r"[+-]\d{4}$").any())
            moments = series.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
        else:
            _require(isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone is not None)
            moments = series.cast(pl.Datetime("us", "UTC"))
        _require(moments.null_count() == series.null_count())
        return moments.to_physical().fill_null(NO_TIME).to_numpy()

    def _outcomes(self) -> OutcomeTable:
        _require("outcomes" in self._frame.columns)
        lists = self._frame["outcomes"]
        _require(lists.null_count() == 0)
        some = lists.list.len() > 0 if isinstance(lists.dtype, pl.List) else lists != "[]"
        row_of = np.flatnonzero(some.to_numpy())
        given = lists.filter(some)
        if lists.dtype == pl.String:
            _require(bool(given.str.starts_with("[").all()))
            given = given.str.json_decode(_OUTCOMES)
        if not row_of.size:
            none = np.zeros(0)
            whole = none.astype(np.int64)
            return OutcomeTable((), whole, none.astype(np.int32), none, whole, whole)
        _require(isinstance(given.dtype, pl.List) and isinstance(given.dtype.inner, pl.Struct))
        lengths = given.list.len().to_numpy().astype(np.int64)
        flat = given.explode()
        if lengths.min() == 0:
            flat = flat.filter(pl.Series(np.repeat(lengths > 0, np.maximum(lengths, 1))))
        return self._table(flat.struct.unnest(), np.repeat(row_of, lengths))

    def _table(self, flat: pl.DataFrame, row: NDArray[np.int64]) -> OutcomeTable:
        _require("type" in flat.columns and flat.height == row.size)
        kind = flat["type"]
        _require(kind.dtype == pl.String and kind.null_count() == 0 and not (kind == "").any())
        kinds = kind.unique(maintain_order=True)
        codes = kind.cast(pl.Enum(kinds)).to_physical().to_numpy().astype(np.int32)
        value = flat.get_column("value", default=pl.Series("value", [1.0]).new_from_index(0, flat.height))
        _require(value.dtype.is_numeric() or value.dtype == pl.Null)
        values = value.cast(pl.Float64).fill_null(1.0).to_numpy()
        _require(bool((np.abs(values) <= sys.float_info.max).all()))
        signless = kind.is_in(["refund", "cost"]).to_numpy()
        _require(not bool((values[signless] < 0).any()))
        ids = flat.get_column("outcome_id", default=None)
        if ids is not None and ids.null_count() < len(ids):
            pairs = pl.DataFrame({"row": row, "id": ids}).filter(pl.col("id").is_not_null())
            _require(not pairs.is_duplicated().any())
        at = self._times(flat.get_column("at", default=None), flat.height)
        named = [None] * flat.height if ids is None else ids.to_list()
        return OutcomeTable(tuple(kinds), row, codes, values, at, identities(named))

    def _context(self) -> ContextTable:
        column = self._frame.get_column("context", default=None)
        if column is None or column.null_count() == self._rows:
            return ContextTable({})
        if column.dtype == pl.String:
            stated = column.drop_nulls()
            _require(bool(stated.str.starts_with("{").all()))
            if bool((stated == "{}").all()):
                return ContextTable({})
            column = column.str.json_decode(infer_schema_length=None)
        _require(isinstance(column.dtype, pl.Struct))
        fields = column.struct.unnest()
        return ContextTable(
            {name: _factor(fields[name]) for name in fields.columns if fields[name].null_count() < self._rows}
        )

    def _embedding(self) -> NDArray[np.float32] | None:
        lists = self._frame.get_column("embedding", default=None)
        if lists is None or lists.null_count() == self._rows:
            return None
        _require(isinstance(lists.dtype, pl.List | pl.Array))
        if isinstance(lists.dtype, pl.Array):
            lists = lists.arr.to_list()
        lengths = lists.drop_nulls().list.len().unique()
        _require(len(lengths) == 1 and lengths[0] > 0)
        width = int(lengths[0])
        flat = lists.drop_nulls().explode()
        _require(flat.null_count() == 0 and flat.dtype.is_numeric())
        values = flat.cast(pl.Float32).to_numpy().reshape(-1, width)
        _require(bool((np.abs(values) <= _LARGEST_SINGLE).all()))
        if lists.null_count() == 0:
            return np.ascontiguousarray(values)
        matrix = np.zeros((self._rows, width), dtype=np.float32)
        matrix[lists.is_not_null().to_numpy()] = values
        return matrix

    def _add_inline_arms(self) -> None:
        column = self._frame.get_column("arms", default=None)
        if column is None or column.null_count() == self._rows:
            return
        _require(column.dtype == pl.String)
        for text in column.drop_nulls().unique(maintain_order=True):
            described = orjson.loads(text)
            _require(isinstance(described, dict) and all(isinstance(arm, dict) for arm in described.values()))
            self._arms.catalogue.update(described)

    def _extra(self) -> dict[str, NDArray[np.object_]]:
        known = {*_PLAIN, "context", "embedding", "arms"}
        columns: dict[str, NDArray[np.object_]] = {}
        for name in self._frame.columns:
            series = self._frame[name]
            if name not in known and series.null_count() < self._rows:
                columns[name] = _capped(series) if name == "excluded" else _objects(series.to_list())
        return columns


_PLAIN = (
    *("schema", "decision_id", "arm", "propensity", "eligible", "outcomes", "decided_at", "observed_until"),
    *("user", "mode", "probabilities", "count"),
)


def _require(fine: bool) -> None:
    if not fine:
        raise NotPlain


def _factor(series: pl.Series) -> Factor:
    _require(series.dtype in _SCALARS)
    if series.dtype.is_float():
        _require(bool(series.drop_nulls().is_finite().all()))
    levels = series.drop_nulls().unique(maintain_order=True)
    if series.dtype == pl.String:
        codes = series.cast(pl.Enum(levels)).to_physical().cast(pl.Int32).fill_null(-1).to_numpy()
        return Factor(_objects(levels.to_list()), codes)
    values = levels.to_numpy()
    order = np.argsort(values)
    stated = series.is_not_null().to_numpy()
    codes = np.full(len(series), -1, dtype=np.int32)
    codes[stated] = order[np.searchsorted(values[order], series.drop_nulls().to_numpy())]
    return Factor(_objects(levels.to_list()), codes)


def _capped(series: pl.Series) -> NDArray[np.object_]:
    """Keep the exclusions that speak of a cap or a budget, all that a replay asks of them; the others become None."""
    kept: list[Mapping[str, str] | None] = [None] * len(series)
    if isinstance(series.dtype, pl.Struct):
        for name in series.struct.fields:
            reasons = series.struct.field(name)
            for row in reasons.str.contains(CAP_WORDS).arg_true() if reasons.dtype == pl.String else ():
                kept[row] = {**(kept[row] or {}), name: reasons[row]}
    elif series.dtype == pl.List(pl.Struct({"key": pl.String, "value": pl.String})):
        pairs = pl.DataFrame({"row": np.arange(len(series)), "pair": series}).explode("pair").unnest("pair")
        for row, arm, reason in pairs.filter(pl.col("value").str.contains(CAP_WORDS)).iter_rows():
            kept[row] = {**(kept[row] or {}), arm: reason}
    elif series.dtype == pl.String:
        for row in series.str.contains(CAP_WORDS).arg_true():
            kept[row] = orjson.loads(series[row])
    return _objects(kept)


def _objects(values: Sequence[Any]) -> NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _distinct(codes: NDArray[np.int32], offsets: NDArray[np.int64], arms: int) -> bool:
    """Whether no row lists an arm twice."""
    lengths = np.diff(offsets)
    if bool((lengths == lengths[0]).all()):
        table = codes.reshape(lengths.size, int(lengths[0]))
        if bool((table == table[0]).all()):
            return np.unique(table[0]).size == table.shape[1]
    keys = np.repeat(np.arange(lengths.size), lengths) * arms + codes
    return np.unique(keys).size == keys.size
