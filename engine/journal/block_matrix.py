"""Many decisions as compact records, laid out side by side: the same bytes as `encode_block` makes, row by row.

Records of one length form a matrix of bytes, so that most fields are written for all of them in one go.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.core.context_columns import ContextColumns
from engine.core.decision import KEPT_PROBABILITIES
from engine.core.decision_block import DecisionBlock
from engine.core.drawing import SCALE
from engine.core.eligible_set import EligibleSet
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
    kinds: dict[object, int] = {}
    each = zip(map(id, block.sets), block.modes, map(id, contexts.consents), map(id, contexts.attributes), strict=True)
    of_row = [kinds.setdefault(kind, len(kinds)) for kind in each]
    first = dict(zip(reversed(of_row), range(len(of_row) - 1, -1, -1), strict=True))
    texts: list[bytes] = []
    of_kind: list[int] = []
    groups: dict[tuple[int, bytes, int], int] = {}
    for kind in range(len(kinds)):
        i = first[kind]
        eligible, text = block.sets[i], attributes_bytes(contexts.attributes[i])
        shared = shared_bytes(block, i, eligible, contexts.consents[i])
        texts.append(text)
        of_kind.append(groups.setdefault((id(eligible), shared, len(text)), len(groups)))
    heads = [(block.sets[first[of_kind.index(group)]], key[1]) for key, group in groups.items()]
    if len(groups) == 1:
        members = [list(range(len(of_row)))]
    else:
        numbers = np.array(of_kind)[of_row]
        members = [np.flatnonzero(numbers == group).tolist() for group in range(len(groups))]
    return [
        _matrix(block, contexts, prefix, *heads[group], rows, [texts[of_row[i]] for i in rows])
        for group, rows in enumerate(members)
    ]


def _matrix(
    block: DecisionBlock,
    contexts: ContextColumns,
    prefix: bytes,
    eligible: EligibleSet,
    shared: bytes,
    rows: Sequence[int],
    attributes: Sequence[bytes],
) -> np.ndarray:
    """The records of rows that share an eligible set and all lengths."""
    n, d, several = len(rows), contexts.embeddings.shape[1], len(eligible.ids)
    kept = several if several <= KEPT_PROBABILITIES else 0
    users = [block.users[i].encode() for i in rows]
    lengths = (len(prefix), FIXED.size, len(shared), len(users[0]), len(attributes[0]), 4 * d, 4 * kept)
    ends = np.cumsum(lengths).tolist()
    matrix = np.empty((n, ends[-1]), dtype=np.uint8)
    where = np.array(rows)
    fixed = np.zeros(n, dtype=FIXED_FIELDS)
    fixed["id"] = np.frombuffer(b"".join([block.ids[i] for i in rows]), dtype="V16")
    fixed["digest"] = np.frombuffer(b"".join([block.digests[i] for i in rows]), dtype="V12")
    fixed["at"] = to_micros(block.at[rows[0]])
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
    matrix[:, ends[2] : ends[3]] = _bytes(users, lengths[3])
    matrix[:, ends[3] : ends[4]] = _bytes(attributes, lengths[4])
    embeddings = np.ascontiguousarray(contexts.embeddings[where], dtype="<f4")
    matrix[:, ends[4] : ends[5]] = embeddings.view(np.uint8).reshape(n, 4 * d)
    if kept:
        counts = block.counts[np.ix_(where, eligible.columns)].astype("<u4")
        matrix[:, ends[5] :] = counts.view(np.uint8).reshape(n, 4 * kept)
    return matrix


def _bytes(texts: Sequence[bytes], length: int) -> np.ndarray:
    return np.frombuffer(b"".join(texts), dtype=np.uint8).reshape(len(texts), length)
