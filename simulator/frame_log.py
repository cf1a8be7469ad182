"""Turns a data frame of well-formed records into a log, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from simulator.arm_names import ArmNames
from simulator.exclusions import capped_frame
from simulator.frame_context import frame_context
from simulator.frame_outcomes import frame_outcomes
from simulator.frame_times import frame_times
from simulator.json_block import JSON_ALIKE, JsonBlock
from simulator.log import MODES, Log
from simulator.not_plain import NotPlain, require
from simulator.record_check import SCHEMA, described_arms

__all__ = ["frame_log"]

_LARGEST_SINGLE = float(np.finfo(np.float32).max)
#: Sums closer than this to the limit are left to the exact way of adding.
_ROUNDING = 1e-9
_TEXTS = ("decision_id", "arm", "user", "mode", "decided_at", "observed_until", "schema")
_KNOWN = frozenset((*_TEXTS, "propensity", "eligible", "outcomes", "probabilities", "count"))
_NESTED = ("context", "outcomes", "arms")
#: Fields in which what was no text is found in another way.
_OTHERWISE = (*_NESTED, "excluded", "decided_at", "observed_until", "mode", "schema")
_EXACT = 2.0**53


def frame_log(
    frame: pl.DataFrame,
    source: str,
    lines: NDArray[np.int64],
    arms: ArmNames,
    *,
    width: int | None = None,
    block: JsonBlock | None = None,
) -> Log:
    """Check and convert records that are all as the format says.

    Args:
        frame: One record a row.
        source: For messages.
        lines: Line of each record.
        arms: Vocabulary, extended in place.
        width: Numbers in every embedding, where records before these have any.
        block: What the frame was read from, when that was JSON; its nested fields are JSON text then.

    Raises:
        NotPlain: When any record is not; nothing is said about which one, or why.
    """
    try:
        return _Frame(frame, source, lines, arms, width, block).log()
    except pl.exceptions.PolarsError as error:
        raise NotPlain from error


class _Frame:
    def __init__(
        self,
        frame: pl.DataFrame,
        source: str,
        lines: NDArray[np.int64],
        arms: ArmNames,
        width: int | None,
        block: JsonBlock | None,
    ) -> None:
        self._frame, self._source, self._lines, self._arms = frame, source, lines, arms
        self._width, self._block = width, block
        self._rows = frame.height

    def log(self) -> Log:
        require(self._lines.size == self._rows > 0)
        self._check_nested()
        if self._block is not None:
            self._check_texts(self._block)
        self._check_schema()
        ids = self._text("decision_id")
        offsets, eligible = self._eligible()
        chosen, arm = self._chosen(offsets, eligible)
        users, user = self._users()
        self._add_inline_arms()
        return Log(
            source=self._source,
            line=self._lines,
            decision_ids=ids.to_numpy().astype(object),
            arms=tuple(self._arms.names),
            arm=arm,
            chosen=chosen,
            propensity=self._propensity(),
            offsets=offsets,
            eligible=eligible,
            probabilities=self._probabilities(offsets),
            count=self._count(),
            part=np.zeros(self._rows, dtype=np.int64),
            mode=self._mode(),
            users=users,
            user=user,
            decided_at=frame_times(self._frame.get_column("decided_at", default=None), self._rows),
            observed_until=frame_times(self._frame.get_column("observed_until", default=None), self._rows),
            outcomes=frame_outcomes(self._frame["outcomes"]),
            context=frame_context(self._frame.get_column("context", default=None), self._rows),
            embedding=self._embedding(),
            catalogue=self._arms.catalogue,
            extra=self._extra(),
        )

    def _check_nested(self) -> None:
        """See that nested fields are JSON text if, and only if, the records were JSON."""
        require("outcomes" in self._frame.columns)
        for name in _NESTED:
            column = self._frame.get_column(name, default=None)
            if column is None or column.null_count() == self._rows:
                continue
            if self._block is None:
                require(column.dtype != pl.String)
            else:
                require(column.dtype == pl.String and not self._block.states_text(name))

    def _check_texts(self, block: JsonBlock) -> None:
        """See that what polars took for text was text."""
        require(not block.is_odd)
        for name in self._frame.columns:
            column = self._frame[name]
            if column.dtype == pl.String and name not in _OTHERWISE:
                require(not column.str.contains(JSON_ALIKE).any() or not block.states_other(name))
        alike = self._frame["eligible"].explode().unique().str.contains(JSON_ALIKE).any()
        require(not alike or block.lists_text("eligible"))

    def _text(self, name: str) -> pl.Series:
        """A required string that is not empty."""
        require(name in self._frame.columns and self._frame[name].dtype == pl.String)
        series = self._frame[name]
        require(series.null_count() == 0 and not (series == "").any())
        return series

    def _check_schema(self) -> None:
        stated = self._frame.get_column("schema", default=None)
        require(stated is None or bool((stated.drop_nulls() == SCHEMA).all()))

    def _eligible(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        require("eligible" in self._frame.columns and self._frame["eligible"].dtype == pl.List(pl.String))
        lists = self._frame["eligible"]
        require(lists.null_count() == 0)
        lengths = lists.list.len().to_numpy().astype(np.int64)
        require(bool((lengths > 0).all()))
        flat = lists.explode()
        require(flat.null_count() == 0 and not (flat == "").any())
        codes = self._arms.codes(flat)
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        require(_distinct(codes, offsets, len(self._arms.names)))
        return offsets, codes

    def _chosen(
        self, offsets: NDArray[np.int64], eligible: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        arm = self._arms.codes(self._text("arm"))
        at = np.flatnonzero(eligible == np.repeat(arm, np.diff(offsets)))
        # Arms of a row are distinct, so that one place a row is found when every row lists its arm.
        require(at.size == self._rows)
        chosen = at - offsets[:-1]
        require(bool(((chosen >= 0) & (chosen < np.diff(offsets))).all()))
        return chosen, arm

    def _propensity(self) -> NDArray[np.float64]:
        require("propensity" in self._frame.columns)
        series = self._frame["propensity"]
        require(_is_number(series.dtype) and series.null_count() == 0)
        p = series.cast(pl.Float64).to_numpy()
        require(bool(((p > 0.0) & (p <= 1.0)).all()))
        return p

    def _probabilities(self, offsets: NDArray[np.int64]) -> NDArray[np.float64]:
        lists = self._frame.get_column("probabilities", default=None)
        if lists is None or lists.null_count() == self._rows:
            return np.full(int(offsets[-1]), np.nan)
        require(isinstance(lists.dtype, pl.List))
        lengths = np.diff(offsets)
        stated = lists.is_not_null().to_numpy()
        given = lists.drop_nulls()
        require(bool((given.list.len().to_numpy() == lengths[stated]).all()))
        numbers = given.explode()
        require(_is_number(numbers.dtype))
        values = numbers.cast(pl.Float64)
        require(not values.is_nan().any())
        flat = np.full(int(offsets[-1]), np.nan)
        flat[np.repeat(stated, lengths)] = values.to_numpy()
        # NaN, which is a null, fails no comparison here.
        require(not bool(((flat < 0.0) | (flat > 1.0)).any()))
        kept = np.isnan(flat)
        sums = np.add.reduceat(np.where(kept, 0.0, flat), offsets[:-1])
        whole = np.add.reduceat(kept.astype(np.int64), offsets[:-1]) == 0
        slack = 1e-5 - _ROUNDING
        require(not bool((sums > 1.0 + slack).any()) and not bool((sums[whole] < 1.0 - slack).any()))
        return flat

    def _count(self) -> NDArray[np.int64]:
        count = self._frame.get_column("count", default=None)
        if count is None:
            return np.ones(self._rows, dtype=np.int64)
        require(count.dtype.is_integer() or count.dtype == pl.Null)
        numbers = count.cast(pl.Int64).fill_null(1).to_numpy()
        require(bool(((numbers >= 1) & (numbers <= 2**48)).all()))
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
        require(user.dtype == pl.String and not (user == "").any())
        names = user.drop_nulls().unique(maintain_order=True)
        codes = user.cast(pl.Enum(names)).to_physical().cast(pl.Int64).fill_null(-1)
        return tuple(names), codes.to_numpy()

    def _embedding(self) -> NDArray[np.float32] | None:
        lists = self._frame.get_column("embedding", default=None)
        if lists is None or lists.null_count() == self._rows:
            return None
        require(isinstance(lists.dtype, pl.List | pl.Array))
        if isinstance(lists.dtype, pl.Array):
            lists = lists.arr.to_list()
        lengths = lists.drop_nulls().list.len().unique()
        require(len(lengths) == 1 and lengths[0] > 0)
        width = int(lengths[0])
        require(self._width in (None, width))
        flat = lists.drop_nulls().explode()
        require(flat.null_count() == 0 and _is_number(flat.dtype))
        values = flat.cast(pl.Float32).to_numpy().reshape(-1, width)
        # The largest of all may have been larger before it was rounded.
        require(bool((np.abs(values) < _LARGEST_SINGLE).all()))
        if lists.null_count() == 0:
            return np.ascontiguousarray(values)
        matrix = np.zeros((self._rows, width), dtype=np.float32)
        matrix[lists.is_not_null().to_numpy()] = values
        return matrix

    def _add_inline_arms(self) -> None:
        column = self._frame.get_column("arms", default=None)
        if column is None or column.null_count() == self._rows:
            return
        # A later description of an arm stands for the earlier ones.
        for text in column.drop_nulls().reverse().unique(maintain_order=True).reverse():
            described = described_arms(_decoded(text))
            require(described is not None)
            self._arms.catalogue.update(described or {})

    def _extra(self) -> dict[str, NDArray[np.object_]]:
        columns: dict[str, NDArray[np.object_]] = {}
        for name in self._frame.columns:
            series = self._frame[name]
            if name in _KNOWN or name in ("context", "embedding", "arms") or series.null_count() == self._rows:
                continue
            if series.dtype.is_float() and self._block is not None:
                # Whole numbers beyond may have been others before they became floats.
                require(bool((series.drop_nulls().abs() < _EXACT).all()))
            columns[name] = capped_frame(series) if name == "excluded" else _objects(series.to_list())
        return columns


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_integer() or dtype.is_float()


def _decoded(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotPlain from error


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
