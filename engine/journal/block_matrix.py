"""Many decisions as compact records, laid out side by side: the same bytes as `encode_block` makes, row by row.

Records of one length form a matrix of bytes, so that most fields are written for all of them in one go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.core.context_columns import ContextColumns
from engine.core.decision import KEPT_PROBABILITIES
from engine.core.decision_block import DecisionBlock
from engine.core.drawing import SCALE
from engine.core.eligible_set import EligibleSet
from engine.core.pseudonyms import Pseudonyms
from engine.core.repeated import Repeated
from engine.journal.block_codec import FIXED, FIXED_FIELDS, attributes_bytes, shared_bytes
from engine.journal.instant import to_micros


def encode_matrices(block: DecisionBlock, prefix: bytes) -> list[np.ndarray]:
    """Write decisions whose contexts are `ContextColumns`, each behind `prefix`.

    Returns:
        Matrices of shape (rows, bytes), uint8; together they hold every decision once, in no certain order.

    Raises:
        InvalidInput: If one cannot be given back as it is; then none is written.
    """
    contexts = block.contexts
    assert isinstance(contexts, ContextColumns)
    columns = [Repeated.of(c) for c in (block.sets, block.modes, contexts.consents, contexts.attributes)]
    first, kind_of = _kinds(columns)
    texts: list[bytes] = []
    group_of: list[int] = []
    groups: dict[tuple[int, bytes, int], tuple[EligibleSet, bytes, int]] = {}
    numbers: dict[tuple[int, bytes, int], int] = {}
    for i in first.tolist():
        eligible, text = block.sets[i], attributes_bytes(contexts.attributes[i])
        shared = shared_bytes(block, i, eligible, contexts.consents[i])
        key = id(eligible), shared, len(text)
        groups.setdefault(key, (eligible, shared, len(text)))
        group_of.append(numbers.setdefault(key, len(numbers)))
        texts.append(text)
    grouped = np.array(group_of)[kind_of] if len(groups) > 1 else None
    longest = np.array(texts, dtype=f"S{max(1, *map(len, texts))}")
    made = []
    for number, (eligible, shared, length) in enumerate(groups.values()):
        where = slice(None) if grouped is None else np.flatnonzero(grouped == number)
        attributes = longest.view(np.uint8).reshape(len(texts), -1)[kind_of[where], :length]
        made.append(_matrix(block, contexts, prefix, eligible, shared, where, attributes))
    return made


def _kinds(columns: Sequence[Repeated[Any]]) -> tuple[np.ndarray, np.ndarray]:
    """A first row of each combination of values, and the combination of each row."""
    code, kinds = columns[0].which, len(columns[0].values)
    for column in columns[1:]:
        kinds *= len(column.values)
        code = code * len(column.values) + column.which
    if kinds > len(code):
        _, first, which = np.unique(code, return_index=True, return_inverse=True)
        return first, which.reshape(-1)
    row_of = np.full(kinds, -1)
    row_of[code] = np.arange(len(code))
    occur = np.flatnonzero(row_of >= 0)
    place = np.empty(kinds, dtype=np.int64)
    place[occur] = np.arange(len(occur))
    return row_of[occur], place[code]


def _matrix(
    block: DecisionBlock,
    contexts: ContextColumns,
    prefix: bytes,
    eligible: EligibleSet,
    shared: bytes,
    where: slice | np.ndarray,
    attributes: np.ndarray,
) -> np.ndarray:
    """The records of rows that share an eligible set and all lengths; `attributes` has shape (rows, bytes), uint8."""
    n, d, several = len(attributes), contexts.embeddings.shape[1], len(eligible.ids)
    kept = several if several <= KEPT_PROBABILITIES else 0
    users = _digits(block.users)[where]
    at = block.at[0] if isinstance(where, slice) else block.at[where[0]]
    lengths = (len(prefix), FIXED.size, len(shared), users.shape[1], attributes.shape[1], 4 * d, 4 * kept)
    ends = np.cumsum(lengths).tolist()
    matrix = np.empty((n, ends[-1]), dtype=np.uint8)
    fixed = np.zeros(n, dtype=FIXED_FIELDS)
    digests = Repeated.of(block.digests)
    fixed["id"] = np.frombuffer(b"".join(block.ids), dtype="V16")[where]
    fixed["digest"] = np.frombuffer(b"".join(digests.values), dtype="V12")[digests.which[where]]
    fixed["at"] = to_micros(at)
    fixed["seed"] = block.seeds[where]
    fixed["column"] = block.columns[where]
    fixed["chosen"] = block.chosen[where] if several > 1 else SCALE
    for field, value in zip(
        ("shared", "user", "attributes", "embedding", "kept"), (*lengths[2:5], d, kept), strict=True
    ):
        fixed[field] = value
    matrix[:, : ends[0]] = np.frombuffer(prefix, dtype=np.uint8)
    matrix[:, ends[0] : ends[1]] = fixed.view(np.uint8).reshape(n, FIXED.size)
    matrix[:, ends[1] : ends[2]] = np.frombuffer(shared, dtype=np.uint8)
    matrix[:, ends[2] : ends[3]] = users
    matrix[:, ends[3] : ends[4]] = attributes
    embeddings = np.ascontiguousarray(contexts.embeddings[where], dtype="<f4")
    matrix[:, ends[4] : ends[5]] = embeddings.view(np.uint8).reshape(n, 4 * d)
    if kept:
        counts = np.ascontiguousarray(block.counts[where][:, eligible.columns], dtype="<u4")
        matrix[:, ends[5] :] = counts.view(np.uint8).reshape(n, 4 * kept)
    return matrix


def _digits(users: Sequence[str]) -> np.ndarray:
    """Users as they stand in records, all of one length: shape (n, bytes), uint8."""
    if isinstance(users, Pseudonyms):
        return users.digits
    return np.frombuffer("".join(users).encode(), dtype=np.uint8).reshape(len(users), -1)
