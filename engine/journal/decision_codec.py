"""Decisions as bytes: a JSON header, then raw little-endian blocks.

::

    u32 header length | u32 embedding length d | u32 counts length k | u8 flags
    header      JSON array, its order fixed by the version
    embedding   d × float32
    counts      k × uint32, when flag 1 is set
    bitmaps     when flag 2 is set: one for the eligible arms, one for each reason of exclusion, each of
                ceil(catalogue size / 8) bytes over the catalogue's order

Up to 64 arms, eligible and excluded together, the header lists their ids and the record explains itself. Above, it
holds bitmaps over the catalogue that its digest names (10,000 ids would be 250 kB), if the writer can look that
catalogue up and it has all the arms in the decision's order; else the ids are listed, at any number.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
import orjson

from engine.core.arm import ArmId
from engine.core.context import Context
from engine.core.decision import KEPT_PROBABILITIES, Decision, Mode
from engine.core.errors import InvalidInput, NotFound
from engine.core.exclusions import Exclusions
from engine.journal.arms_of import ArmsOf
from engine.journal.instant import from_micros, to_micros

_SIZES = struct.Struct("<IIIB")
_COUNTS, _BITMAPS = 1, 2


def encode_decision(decision: Decision, arms: ArmsOf) -> bytes:
    """Write a decision.

    Raises:
        InvalidInput: If it cannot be given back as it is: a non-finite attribute, a text that is no Unicode,
            counts that do not match the eligible arms, an embedding that is no vector.
    """
    bitmaps = _bitmaps(decision, arms)
    named: tuple[object, object] = (
        (decision.eligible, _by_reason(decision.excluded)) if bitmaps is None else bitmaps[:2]
    )
    header = _header(decision, named)
    embedding = np.asarray(decision.context.embedding, dtype="<f4")
    if embedding.ndim != 1:
        raise InvalidInput(f"expected a vector, got shape {embedding.shape}", field="context.embedding")
    counts, kept = _counts(decision)
    flags = (_COUNTS if decision.counts is not None else 0) | (_BITMAPS if bitmaps is not None else 0)
    sizes = _SIZES.pack(len(header), len(embedding), kept, flags)
    return b"".join((sizes, header, embedding.tobytes(), counts, bitmaps[2] if bitmaps is not None else b""))


def decode_decision(payload: bytes, start: int, arms: ArmsOf) -> Decision:
    """Read what `encode_decision` wrote.

    Raises:
        ValueError, TypeError, struct.error, NotFound: If the bytes are anything else, or their catalogue is unknown.
    """
    header_size, dimension, kept, flags = _SIZES.unpack_from(payload, start)
    at = start + _SIZES.size
    (id_, campaign, user, decided_at, arm, eligible, chosen, seed, attributes, consents, mode, catalogue,
     snapshot, policy, excluded, body_digest) = orjson.loads(payload[at : at + header_size])  # fmt: skip
    at += header_size
    embedding = np.frombuffer(payload, dtype="<f4", count=dimension, offset=at)
    at += 4 * dimension
    counts = np.frombuffer(payload, dtype="<u4", count=kept, offset=at) if flags & _COUNTS else None
    at += 4 * kept
    if flags & _BITMAPS:
        eligible, excluded = _unpacked(payload, at, eligible, excluded, arms(catalogue))
    elif at != len(payload):
        raise ValueError(f"expected {at} bytes, got {len(payload)}")
    else:
        excluded = {arm_id: reason for reason, arm_ids in excluded.items() for arm_id in arm_ids}
    return Decision(
        id=id_,
        campaign=campaign,
        user=user,
        decided_at=from_micros(decided_at),
        arm=ArmId(arm),
        eligible=tuple(eligible),
        counts=counts,
        chosen_count=chosen,
        seed=seed,
        context=Context(embedding, attributes, None if consents is None else frozenset(consents)),
        mode=Mode(mode),
        catalogue=catalogue,
        snapshot=snapshot,
        policy=policy,
        excluded=excluded,
        body_digest=body_digest,
    )


def _header(decision: Decision, named: tuple[object, object]) -> bytes:
    context = decision.context
    for name, value in context.attributes.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidInput(f"expected a finite number, got {value}", field=f"context.attributes.{name}")
    try:
        return orjson.dumps(
            (
                decision.id,
                decision.campaign,
                decision.user,
                to_micros(decision.decided_at),
                decision.arm,
                named[0],
                int(decision.chosen_count),
                int(decision.seed),
                dict(context.attributes),
                None if context.consents is None else sorted(context.consents),
                decision.mode.value,
                decision.catalogue,
                decision.snapshot,
                decision.policy,
                named[1],
                decision.body_digest,
            )
        )
    except (TypeError, orjson.JSONEncodeError) as error:
        raise InvalidInput(
            f"expected texts, numbers and booleans that JSON can hold: {error}", field="decision"
        ) from None


def _counts(decision: Decision) -> tuple[bytes, int]:
    if decision.counts is None:
        return b"", 0
    if np.shape(decision.counts) != (len(decision.eligible),):
        raise InvalidInput(
            f"expected {len(decision.eligible)} counts, one per eligible arm, got shape {np.shape(decision.counts)}",
            field="counts",
        )
    return np.asarray(decision.counts).astype("<u4").tobytes(), len(decision.eligible)


def _by_reason(excluded: Mapping[ArmId, str]) -> dict[str, list[ArmId]]:
    grouped: dict[str, list[ArmId]] = {}
    for arm_id, reason in excluded.items():
        grouped.setdefault(reason, []).append(arm_id)
    return grouped


def _bitmaps(decision: Decision, arms: ArmsOf) -> tuple[int, Sequence[str], bytes] | None:
    """Catalogue size, reasons and bitmaps; None where ids are listed instead."""
    if len(decision.eligible) + len(decision.excluded) <= KEPT_PROBABILITIES:
        return None
    try:
        ids = arms(decision.catalogue)
    except NotFound:
        return None
    excluded = decision.excluded
    if isinstance(excluded, Exclusions) and decision.eligible is excluded.eligible and _same(excluded.ids, ids):
        return len(ids), *excluded.packed
    grouped = _by_reason(excluded)
    groups = (decision.eligible, *grouped.values())
    masks = [np.fromiter(map(set(group).__contains__, ids), dtype=bool, count=len(ids)) for group in groups]
    whole = tuple(compress(ids, masks[0])) == tuple(decision.eligible)
    if not whole or any(mask.sum() != len(group) for mask, group in zip(masks, groups, strict=True)):
        return None
    return len(ids), tuple(grouped), b"".join(np.packbits(mask, bitorder="little").tobytes() for mask in masks)


def _same(ids: Sequence[ArmId], others: Sequence[ArmId]) -> bool:
    return ids is others or ids == others


def _unpacked(
    payload: bytes, at: int, size: Any, reasons: Sequence[str], ids: Sequence[ArmId]
) -> tuple[tuple[ArmId, ...], Mapping[ArmId, str]]:
    """Eligible arms and the reasons of the others."""
    if size != len(ids):
        raise ValueError(f"expected a catalogue of {size} arms, got one of {len(ids)}")
    groups, width = 1 + len(reasons), (len(ids) + 7) // 8
    if len(payload) != at + groups * width:
        raise ValueError(f"expected {at + groups * width} bytes, got {len(payload)}")
    packed = np.frombuffer(payload, dtype=np.uint8, offset=at).reshape(groups, width)
    masks = np.unpackbits(packed, axis=1, count=len(ids), bitorder="little").astype(bool)
    if groups < 256 and (masks.sum(axis=0) == 1).all():  # every arm is in one group, as rules leave it
        codes = np.arange(groups, dtype=np.uint8) @ masks.view(np.uint8)
        exclusions = Exclusions(ids, codes, reasons)
        return exclusions.eligible, exclusions
    eligible = tuple(compress(ids, masks[0]))
    return eligible, {
        arm: reason for reason, mask in zip(reasons, masks[1:], strict=True) for arm in compress(ids, mask)
    }


def shredded_decision(payload: bytes, start: int, users: Mapping[str, str]) -> tuple[str, bytes] | None:
    """What `encode_decision` wrote, made as long as it is of a shopper who is forgotten; see `shredded_row`.

    Raises:
        ValueError, TypeError, struct.error: If the bytes are anything else.
    """
    size, dimension, _, _ = _SIZES.unpack_from(payload, start)
    place = start + _SIZES.size
    header = orjson.loads(payload[place : place + size])
    user = header[2]
    if user not in users:
        return None
    header[2], header[8], header[15] = users[user], {}, "0" * len(header[15])
    new = bytearray(payload)
    new[place : place + size] = orjson.dumps(header).ljust(size)
    new[place + size : place + size + 4 * dimension] = bytes(4 * dimension)
    return user, bytes(new)
