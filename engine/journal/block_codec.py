"""Decisions as compact bytes: fixed fields, one shared part that says what many decisions have in common, raw blocks.

::

    16 s decision id | 12 s body digest | q decided_at (µs) | Q seed | I chosen column | I chosen count
    H shared length | H user length | H attributes length | H embedding length d | H counts length k
    shared      JSON array [campaign, mode, catalogue, its size, snapshot, policy, reasons, consents], then bitmaps over
                the catalogue's order, ceil(size / 8) bytes each: the eligible arms, then those of each reason
    user        UTF-8
    attributes  JSON object
    embedding   d × float32
    counts      k × uint32: the probabilities of the eligible arms over 2²⁴, up to 64 of them; above, k is 0

The shared part is the same bytes for all decisions from one eligible set, so that writer and reader make it once.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import orjson

from engine.core.arm import ArmId, ChannelId
from engine.core.context import Context
from engine.core.decision import KEPT_PROBABILITIES, Decision, Mode
from engine.core.decision_block import DecisionBlock
from engine.core.drawing import SCALE
from engine.core.eligible_set import EligibleSet
from engine.core.errors import InvalidInput
from engine.core.exclusions import Exclusions
from engine.journal.arms_of import ArmsOf
from engine.journal.instant import from_micros, to_micros

FIXED = struct.Struct("<16s12sqQIIHHHHH")
FIXED_FIELDS = np.dtype(
    [("id", "V16"), ("digest", "V12"), ("at", "<i8"), ("seed", "<u8"), ("column", "<u4"), ("chosen", "<u4"),
     ("shared", "<u2"), ("user", "<u2"), ("attributes", "<u2"), ("embedding", "<u2"), ("kept", "<u2")]
)  # fmt: skip
"""The same as columns."""
_JSON_LENGTH = struct.Struct("<H")


def encode_block(block: DecisionBlock, prefix: bytes) -> list[bytes]:
    """Write decisions, each behind `prefix`.

    Raises:
        InvalidInput: If one cannot be given back as it is; then none is written.
    """
    counts, columns, chosen, seeds = block.counts, block.columns.tolist(), block.chosen.tolist(), block.seeds.tolist()
    payloads = []
    known: dict[tuple[int, int, frozenset[ChannelId] | None], bytes] = {}
    each = zip(block.contexts, block.sets, block.modes, block.users, strict=True)
    for i, (context, eligible, mode, name) in enumerate(each):
        consents = None if context.consents is None else frozenset(context.consents)
        key = id(eligible), id(mode), consents
        shared = known.get(key)
        if shared is None:
            shared = known[key] = shared_bytes(block, i, eligible, consents)
        user, attributes = name.encode(), attributes_bytes(context.attributes)
        embedding = context.embedding.astype("<f4", copy=False).tobytes()
        several = len(eligible.ids)
        kept = counts[i, eligible.columns].astype("<u4").tobytes() if several <= KEPT_PROBABILITIES else b""
        fixed = FIXED.pack(
            block.ids[i], block.digests[i], to_micros(block.at[i]), seeds[i], columns[i],
            chosen[i] if several > 1 else SCALE,
            len(shared), len(user), len(attributes), len(embedding) // 4, len(kept) // 4,
        )  # fmt: skip
        payloads.append(b"".join((prefix, fixed, shared, user, attributes, embedding, kept)))
    return payloads


def decode_row(payload: bytes, start: int, arms: ArmsOf) -> Decision:
    """Read what `encode_block` wrote.

    Raises:
        ValueError, TypeError, struct.error, NotFound: If the bytes are anything else, or their catalogue is unknown.
    """
    id_, digest, at, seed, column, chosen, *sizes = FIXED.unpack_from(payload, start)
    place = start + FIXED.size
    parts = []
    for size, width in zip(sizes, (1, 1, 1, 4, 4), strict=True):
        parts.append(payload[place : place + size * width])
        place += size * width
    if place != len(payload):
        raise ValueError(f"expected {place} bytes, got {len(payload)}")
    shared = _read_shared(parts[0], arms)
    attributes = orjson.loads(parts[2]) if parts[2] else {}
    return Decision(
        id=id_.hex(),
        campaign=shared.campaign,
        user=parts[1].decode(),
        decided_at=from_micros(at),
        arm=shared.arms[column],
        eligible=shared.excluded.eligible,
        counts=np.frombuffer(parts[4], dtype="<u4") if parts[4] else None,
        chosen_count=chosen,
        seed=seed,
        context=Context(np.frombuffer(parts[3], dtype="<f4"), attributes, shared.consents),
        mode=shared.mode,
        catalogue=shared.catalogue,
        snapshot=shared.snapshot,
        policy=shared.policy,
        excluded=shared.excluded,
        body_digest=digest.hex(),
    )


class _Shared(NamedTuple):
    campaign: str
    mode: Mode
    catalogue: str
    snapshot: str
    policy: str
    consents: frozenset[ChannelId] | None
    arms: Sequence[ArmId]
    excluded: Exclusions


class _Ids:
    """Arm ids that are told apart by their catalogue's digest."""

    def __init__(self, digest: str, arms: Sequence[ArmId]) -> None:
        self.digest = digest
        self.arms = arms

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Ids) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


def shared_bytes(block: DecisionBlock, i: int, eligible: EligibleSet, given: AbstractSet[ChannelId] | None) -> bytes:
    """The shared part of one decision's record; made once for all that have it.

    Raises:
        InvalidInput: If it is too long, or holds what JSON cannot.
    """
    consents = None if given is None else frozenset(given)
    key = (block.modes[i], block.policies[i], consents, block.snapshot, block.catalogue.digest)
    found = eligible.fragments.get(key)
    if found is None:
        if len(eligible.fragments) > 256:
            eligible.fragments.clear()
        found = eligible.fragments[key] = _make_shared(block, i, eligible, consents)
    return found


def _make_shared(block: DecisionBlock, i: int, eligible: EligibleSet, given: frozenset[ChannelId] | None) -> bytes:
    reasons, bitmaps = eligible.excluded.packed
    consents = None if given is None else sorted(given)
    try:
        text = orjson.dumps(
            [block.campaign, block.modes[i].value, block.catalogue.digest, len(eligible.mask), block.snapshot_of(i),
             block.policies[i], reasons, consents]
        )  # fmt: skip
    except (TypeError, orjson.JSONEncodeError) as error:
        raise InvalidInput(f"expected texts that JSON can hold: {error}", field="consents") from None
    shared = b"".join((_JSON_LENGTH.pack(len(text)), text, bitmaps))
    if len(shared) >= 1 << 16:
        raise InvalidInput(
            f"expected at most {(1 << 16) - 1} bytes of rules and reasons, got {len(shared)}; use fewer arms or rules",
            field="eligible",
        )
    return shared


def _read_shared(data: bytes, arms: ArmsOf) -> _Shared:
    (length,) = _JSON_LENGTH.unpack_from(data)
    campaign, mode, catalogue, size, snapshot, policy, reasons, consents = orjson.loads(data[2 : 2 + length])
    ids = arms(catalogue)
    if size != len(ids):
        raise ValueError(f"expected a catalogue of {size} arms, got one of {len(ids)}")
    excluded = _read_masks(data[2 + length :], tuple(reasons), _Ids(catalogue, ids))
    given = None if consents is None else frozenset(consents)
    return _Shared(campaign, Mode(mode), catalogue, snapshot, policy, given, ids, excluded)


@lru_cache(maxsize=512)
def _read_masks(data: bytes, reasons: tuple[str, ...], ids: _Ids) -> Exclusions:
    packed = np.frombuffer(data, dtype=np.uint8).reshape(1 + len(reasons), (len(ids.arms) + 7) // 8)
    masks = np.unpackbits(packed, axis=1, count=len(ids.arms), bitorder="little")
    codes = np.zeros(len(ids.arms), dtype=np.uint8)
    for code, mask in enumerate(masks[1:], start=1):
        codes[mask == 1] = code
    return Exclusions(ids.arms, codes, reasons)


def attributes_bytes(attributes: Mapping[str, object]) -> bytes:
    """Attributes as JSON; nothing where there are none.

    Raises:
        InvalidInput: If one cannot be given back as it is.
    """
    if not attributes:
        return b""
    for name, value in attributes.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidInput(f"expected a finite number, got {value}", field=f"context.attributes.{name}")
    try:
        data = orjson.dumps(attributes)
    except (TypeError, orjson.JSONEncodeError) as error:
        raise InvalidInput(f"expected texts, numbers and booleans: {error}", field="context.attributes") from None
    if len(data) >= 1 << 16:
        raise InvalidInput(f"expected at most {(1 << 16) - 1} bytes, got {len(data)}", field="context.attributes")
    return data


def shredded_row(payload: bytes, start: int, users: Mapping[str, str]) -> tuple[str, bytes] | None:
    """What `encode_block` wrote, made as long as it is of a shopper who is forgotten.

    Args:
        payload: The record.
        start: Where `encode_block`'s part of it begins.
        users: Those to forget → the names to put in their place, of the same length.

    Returns:
        The user, and the record with the new name, no attributes, zeros for the embedding and the body's digest; None
        for a record of somebody else.

    Raises:
        ValueError, struct.error: If the bytes are anything else.
    """
    *_, shared, named, attributes, dimension, _ = FIXED.unpack_from(payload, start)
    place = start + FIXED.size + shared
    user = payload[place : place + named].decode()
    if user not in users:
        return None
    new = bytearray(payload)
    new[start + 16 : start + 28] = bytes(12)
    new[place : place + named] = users[user].encode()
    place += named
    if attributes:
        new[place : place + attributes] = b"{" + b" " * (attributes - 2) + b"}"
    place += attributes
    new[place : place + 4 * dimension] = bytes(4 * dimension)
    return user, bytes(new)
