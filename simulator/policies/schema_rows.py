"""Contexts of many rows as a snapshot's schema encodes them, each distinct value once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import InvalidInput
from engine.core.feature import LARGEST
from engine.core.schema import Schema
from simulator.log import Log

__all__ = ["schema_rows"]


def schema_rows(schema: Schema, log: Log, spec: str) -> NDArray[np.float32]:
    """Encode contexts just as the server does; attributes outside the schema are not read.

    Args:
        schema: The snapshot's.
        log: The rows.
        spec: Of the policy, for messages.

    Returns:
        Shape (n, len(schema.user_columns)).

    Raises:
        InvalidInput: When a value or an embedding does not fit the schema, naming the first such decision.
    """
    rows = np.zeros((log.rows, len(schema.user_columns)), dtype=np.float32)
    if schema.dimension or log.embedding is not None:
        _put_embeddings(rows, schema, log, spec)
    start = schema.dimension
    for name, attribute in sorted(schema.attributes.items()):
        if name in log.context:
            factor = log.context.factor(name)
            column, value = np.zeros(len(factor.levels) + 1, dtype=np.int64), np.zeros(len(factor.levels) + 1)
            for place in np.unique(factor.codes[factor.codes >= 0]):
                try:
                    column[place], value[place] = attribute.place(name, factor.levels[place])
                except InvalidInput as error:
                    row = int(np.flatnonzero(factor.codes == place)[0])
                    raise _unfit(log, row, str(error), spec) from error
            rows[np.arange(log.rows), start + column[factor.codes]] = value[factor.codes]
        start += len(attribute.columns(name))
    return rows


def _put_embeddings(rows: NDArray[np.float32], schema: Schema, log: Log, spec: str) -> None:
    width = 0 if log.embedding is None else log.embedding.shape[1]
    if width != schema.dimension:
        raise _unfit(log, 0, f"embedding: expected {schema.dimension} numbers, got {width}", spec)
    if log.embedding is not None:
        rows[:, :width] = log.embedding
        # NaN fails the comparison.
        fits = (np.abs(rows[:, :width]) <= LARGEST).all(axis=1)
        if not fits.all():
            reason = f"embedding: expected finite numbers from {-LARGEST:g} to {LARGEST:g}"
            raise _unfit(log, int(np.flatnonzero(~fits)[0]), reason, spec)


def _unfit(log: Log, row: int, reason: str, spec: str) -> InvalidInput:
    decision = log.decision_ids[row]
    return InvalidInput(f"decision {decision!r} does not fit the snapshot's schema: {reason}", field=spec)
