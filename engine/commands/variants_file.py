"""Reads a variants file: one piece of copy a line, as JSON."""

from __future__ import annotations

from pathlib import Path

import orjson

from engine.core.errors import ConfigError, InvalidInput
from engine.core.reading import read
from engine.core.variant import Variant


def read_variants(path: Path) -> tuple[Variant, ...]:
    """All variants of a file, in its order; empty lines are left out.

    Raises:
        InvalidInput: Naming file, line and field of what cannot be used; nothing is read then.
    """
    variants: dict[str, Variant] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", file=str(path)) from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        variant = _variant(path, number, line)
        if variant.id in variants:
            raise InvalidInput(f"{variant.id!r} stands twice; ids are unique", field="id", file=str(path), line=number)
        variants[variant.id] = variant
    if not variants:
        raise InvalidInput("expected at least one variant, got none", file=str(path))
    return tuple(variants.values())


def _variant(path: Path, number: int, line: bytes) -> Variant:
    try:
        return read(Variant, orjson.loads(line))
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"not valid JSON: {error}", file=str(path), line=number) from None
    except ConfigError as error:
        message = str(error).removeprefix(f"{error.field}: ")
        raise InvalidInput(message, field=error.field, file=str(path), line=number) from None
