"""Variants files: one verified variant a line, as the catalogue reads them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.core.arm import ChannelId, VariantId
from engine.core.errors import InvalidInput
from engine.core.variant import Variant, VariantState
from generators.brief_plain import brief_plain
from generators.composer import frame_version
from generators.embeddings.embedder import Embedder
from generators.offer import OfferKind
from generators.sms import SmsSize
from generators.whole_file import write_whole
from generators.written import Written


def variant_records(written: Sequence[Written], embedder: Embedder, *, approved: bool = False) -> list[dict[str, Any]]:
    """Return the lines of a variants file, embeddings included.

    Args:
        written: Verified copy.
        embedder: Makes the copy embeddings.
        approved: Whether a person has approved the copy already; drafts are not sent.

    Raises:
        InvalidInput: The embedder does not know a language of the copy.
    """
    languages = {item.request.brief.language for item in written}
    if unknown := sorted(languages - embedder.languages):
        message = f"{embedder.name} does not know {', '.join(unknown)}: its letters become unknown tokens; use chargram"
        raise InvalidInput(message, field="--embedder")
    embeddings = embedder.embed([_embedded_text(item) for item in written])
    state = VariantState.APPROVED if approved else VariantState.DRAFT
    return [
        _record(item, state)
        | {"embedding": [float(v) for v in row], "embedding_model": embedder.name}
        | {"provenance": _provenance(item)}
        for item, row in zip(written, embeddings, strict=True)
    ]


def write_variants(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the file whole or not at all.

    Raises:
        InvalidInput: The folder does not exist or cannot be written.
    """
    write_whole(path, (json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in records))


def variants_from_file(path: Path) -> list[Variant]:
    """Read a variants file.

    Raises:
        InvalidInput: A line is not JSON or not a variant, or an id stands twice; names file, line and field.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"expected a UTF-8 file of variants, got: {getattr(error, 'strerror', None) or error}", file=str(path)
        ) from error
    variants: dict[str, Variant] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            variant = _variant(json.loads(line))
        except json.JSONDecodeError as error:
            raise InvalidInput(f"expected one JSON object: {error.msg}", file=str(path), line=number) from error
        except InvalidInput as error:
            raise InvalidInput(str(error), file=str(path), line=number) from error
        if variant.id in variants:
            raise InvalidInput(f"{variant.id!r} stands twice; rename one", field="id", file=str(path), line=number)
        variants[variant.id] = variant
    return list(variants.values())


def _record(item: Written, state: VariantState) -> dict[str, Any]:
    brief, draft = item.request.brief, item.draft
    text = "\x00".join(string for _, _, string in draft.strings())
    digest = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
    record: dict[str, Any] = {
        "id": f"{brief.id}-{item.request.index:02d}-{digest}",
        "state": state.value,
        "language": brief.language,
        "category": brief.product.category,
        "price_band": brief.price_band,
        "offer": {
            "kind": brief.offer.kind.value,
            "percent": brief.percent,
            "free_shipping": brief.offer.kind is OfferKind.FREE_SHIPPING,
            "has_code": bool(brief.offer.code),
            "has_end": brief.offer.ends is not None,
        },
        "features": _features(item),
        "channels": {channel: dict(fields) for channel, fields in draft.channels.items()},
    }
    # Only where the brief narrows its audience: an absent field means everybody.
    return record | ({"audience": {k: list(v) for k, v in brief.audience.items()}} if brief.audience else {})


def _features(item: Written) -> dict[str, str | int]:
    draft = item.draft
    longest = max(len(text) for _, _, text in draft.strings())
    short, middle = (90, 130) if item.request.brief.language == "zh" else (160, 230)
    features: dict[str, str | int] = {
        "tone": draft.tone,
        "lead": draft.lead,
        "hook_source": item.hook_source,
        "length_band": "short" if longest <= short else "middle" if longest <= middle else "long",
    }
    if "sms" in draft.channels:
        features["sms_segments"] = SmsSize.of(draft.channels["sms"]["text"]).segments
    return features


def _provenance(item: Written) -> dict[str, Any]:
    brief = item.request.brief
    return {
        "brief": brief.id,
        "brief_facts": brief_plain(brief),
        "index": item.request.index,
        "seed": item.request.seed,
        "hook": item.draft.hook,
        "model": item.hook_source,
        "prompt": item.prompt,
        "prompt_version": item.hook_version,
        "frame_version": frame_version(brief.language),
        "checks": list(item.checks),
        "rank": item.rank,
        "scores": {name: round(value, 6) for name, value in item.scores.items()},
        "scored_by": dict(item.scored_by),
    }


def _embedded_text(item: Written) -> str:
    """Return what the copy says of product and mood; each channel repeats it, so one of each is enough."""
    product = item.request.brief.product
    return f"{product.category}. {product.title}. {item.draft.hook}"


def _variant(record: Any) -> Variant:
    if not isinstance(record, dict):
        raise InvalidInput(f"expected a JSON object, got {type(record).__name__}")
    known = set(Variant.__dataclass_fields__)
    if unknown := sorted(set(record) - known):
        raise InvalidInput(f"expected one of {', '.join(sorted(known))}", field=unknown[0])
    for field, kind in _KINDS.items():
        if field in record and not isinstance(record[field], kind):
            raise InvalidInput(f"expected {_NAMES[kind]}, got {type(record[field]).__name__}", field=field)
    if "id" not in record:
        raise InvalidInput("expected an id of A-Z a-z 0-9 _ . -", field="id")
    states = [state.value for state in VariantState]
    if record.get("state", "draft") not in states:
        raise InvalidInput(f"expected one of {', '.join(states)}, got {record['state']!r}", field="state")
    embedding = record.get("embedding", [])
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in embedding):
        raise InvalidInput("expected numbers", field="embedding")
    return Variant(
        **{k: v for k, v in record.items() if k not in ("id", "state", "channels", "embedding", "audience")},
        id=VariantId(record["id"]),
        state=VariantState(record.get("state", "draft")),
        channels=_channels(record.get("channels", {})),
        embedding=tuple(float(v) for v in embedding),
        audience={k: tuple(v) for k, v in record.get("audience", {}).items()},
    )


def _channels(channels: dict[str, Any]) -> dict[ChannelId, dict[str, str]]:
    for channel, fields in channels.items():
        if not isinstance(fields, dict) or not all(isinstance(text, str) for text in fields.values()):
            raise InvalidInput("expected an object of strings", field=f"channels.{channel}")
    return {ChannelId(channel): dict(fields) for channel, fields in channels.items()}


_NAMES: dict[type, str] = {str: "a string", dict: "an object", list: "an array"}
_KINDS: dict[str, type] = {
    **dict.fromkeys(("id", "state", "language", "category", "price_band", "embedding_model"), str),
    **dict.fromkeys(("offer", "features", "channels", "audience", "provenance"), dict),
    "embedding": list,
}
