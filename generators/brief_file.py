"""Read briefs from JSON, JSON Lines and TOML files."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.core.errors import InvalidInput
from generators.brief import CHANNELS, Brief
from generators.emoji_policy import EMOJI_CHANNELS, EmojiPolicy, default_emoji
from generators.fields import Fields
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.terms import Terms

_BRIEF = frozenset(
    {"id", "product", "offer", "language", "tone", "channels", "audience", "banned_words", "sender", "emoji"}
)
_EMOJI = frozenset({"allowed", "most", "channels"})
_PRODUCT = frozenset({"title", "price_minor", "currency", "brand", "category", "list_price_minor"})
_OFFER = frozenset({"kind", "percent", "amount_minor", "code", "ends", "terms"})
_TERMS = frozenset({"min_spend_minor", "per_customer", "new_customers", "regions"})
_SPACE = re.compile(r"\s*")


def read_briefs(path: Path) -> list[Brief]:
    """Read every brief of a `.json` (one object or an array), `.jsonl` or `.toml` (`[[brief]]`) file.

    Raises:
        InvalidInput: The file cannot be read or parsed, or a field is wrong; names file, line and field.
    """
    parsers = {".json": _from_json, ".jsonl": _from_jsonl, ".toml": _from_toml}
    if path.suffix not in parsers:
        raise InvalidInput(f"expected a file name ending in {', '.join(parsers)}", file=str(path))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"expected a readable UTF-8 file, got: {getattr(error, 'strerror', None) or error}", file=str(path)
        ) from error
    briefs: dict[str, Brief] = {}
    for line, value in parsers[path.suffix](text, str(path)):
        try:
            brief = brief_of(value)
        except InvalidInput as error:
            raise InvalidInput(str(error), file=str(path), line=line) from error
        if brief.id in briefs:
            raise InvalidInput(f"{brief.id!r} stands twice; rename one", field="id", file=str(path), line=line)
        briefs[brief.id] = brief
    if not briefs:
        raise InvalidInput("expected at least one brief, got none", file=str(path))
    return list(briefs.values())


def brief_of(value: Any) -> Brief:
    """Build a brief from parsed JSON or TOML.

    Raises:
        InvalidInput: A field is unknown, missing or wrong.
    """
    top = Fields.of(value, "", _BRIEF)
    product = Fields.of(top.table.get("product", {}), "product", _PRODUCT)
    return Brief(
        id=top.text("id"),
        product=Product(
            title=product.text("title"),
            price_minor=product.integer("price_minor"),
            currency=product.text("currency"),
            brand=product.text("brand", ""),
            category=product.text("category", ""),
            list_price_minor=product.integer("list_price_minor", 0),
        ),
        offer=_offer(Fields.of(top.table.get("offer", {}), "offer", _OFFER)),
        language=top.text("language", "en"),
        tone=top.text("tone", ""),
        channels=top.texts("channels", CHANNELS),
        audience=_audience(top.table.get("audience", {})),
        banned_words=top.texts("banned_words", ()),
        sender=top.text("sender", ""),
        emoji=_emoji(top.table.get("emoji")),
    )


def _emoji(value: Any) -> EmojiPolicy:
    if value is None:
        return EmojiPolicy()
    fields = Fields.of(value, "emoji", _EMOJI)
    return EmojiPolicy(
        allowed=fields.texts("allowed", default_emoji()),
        most=fields.integer("most", 1),
        channels=fields.texts("channels", EMOJI_CHANNELS),
    )


def _offer(fields: Fields) -> Offer:
    kind = fields.text("kind", "none")
    kinds = [known.value for known in OfferKind]
    if kind not in kinds:
        raise InvalidInput(f"expected one of {', '.join(kinds)}, got {kind!r}", field="offer.kind")
    return Offer(
        kind=OfferKind(kind),
        percent=fields.integer("percent", 0),
        amount_minor=fields.integer("amount_minor", 0),
        code=fields.text("code", ""),
        ends=fields.day("ends"),
        terms=_terms(Fields.of(fields.table.get("terms", {}), "offer.terms", _TERMS)),
    )


def _terms(fields: Fields) -> Terms:
    return Terms(
        min_spend_minor=fields.integer("min_spend_minor", 0),
        per_customer=fields.integer("per_customer", 0),
        new_customers=fields.truth("new_customers"),
        regions=fields.texts("regions", ()),
    )


def _audience(value: Any) -> dict[str, tuple[str | int | float | bool, ...]]:
    if not isinstance(value, dict):
        raise InvalidInput('expected an object such as {"segment": ["new"]}', field="audience")
    for name, allowed in value.items():
        if not isinstance(allowed, list) or not all(isinstance(v, str | int | float | bool) for v in allowed):
            raise InvalidInput("expected an array of strings, numbers or booleans", field=f"audience.{name}")
    return {name: tuple(allowed) for name, allowed in value.items()}


def _from_jsonl(text: str, file: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, _parsed(line, file, number)


def _parsed(line: str, file: str, number: int) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"expected one JSON object: {error.msg}", file=file, line=number) from error


def _from_json(text: str, file: str) -> Iterator[tuple[int, Any]]:
    """Yield each object with its first line: elements of an array are decoded one by one to know where they begin."""
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"expected JSON: {error.msg}", file=file, line=error.lineno) from error
    start = _after_space(text, 0)
    if not isinstance(whole, list):
        yield text.count("\n", 0, start) + 1, whole
        return
    position = start + 1
    for value in whole:
        position = _after_space(text, position)
        yield text.count("\n", 0, position) + 1, value
        _, position = json.JSONDecoder().raw_decode(text, position)
        position = _after_space(text, position) + 1


def _after_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _from_toml(text: str, file: str) -> Iterator[tuple[int, Any]]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise InvalidInput(f"expected TOML: {error}", file=file, line=int(line[1]) if line else None) from error
    briefs = data.pop("brief", None)
    if data or not isinstance(briefs, list):
        raise InvalidInput("expected [[brief]] tables and nothing else at the top", file=file, line=1)
    heads = [text.count("\n", 0, m.start(1)) + 1 for m in re.finditer(r"(?m)^\s*(\[\[\s*brief\s*\]\])", text)]
    for number, value in enumerate(briefs):
        yield heads[number] if number < len(heads) else 1, value
