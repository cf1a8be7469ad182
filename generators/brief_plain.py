"""A brief as plain data, as a brief file has it: for provenance, and to check copy again later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from generators.brief import Brief


def brief_plain(brief: Brief) -> dict[str, Any]:
    """Return every field that differs from its default, tables within tables; `read_brief` reads it back."""
    return _plain(brief)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        blank = {f.name: f.default_factory() if callable(f.default_factory) else f.default for f in fields(value)}
        named = {f.name: getattr(value, f.name) for f in fields(value)}
        return {name: _plain(item) for name, item in named.items() if item != blank[name]}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
