"""Reads plain data (parsed TOML or JSON) into frozen dataclasses, strictly."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from engine.core.errors import ConfigError, InvalidInput

T = TypeVar("T")


def read(kind: type[T], data: object, field: str = "", *, file: str = "") -> T:
    """Build a dataclass from plain data.

    Keys are the field names, a trailing underscore left out (`lambda` for `lambda_`). Nothing is guessed: an unknown
    key, a missing one or a value of another type is an error that names its place.

    Args:
        kind: The dataclass.
        data: Mapping of its fields.
        field: Dotted path of `data`, for messages.
        file: File that `data` came from, for messages.

    Raises:
        ConfigError: Naming file and field.

    Examples:
        >>> from engine.core.exploration.floor import Floor
        >>> read(Floor, {"total": 0.1})
        Floor(total=0.1, hold=0.01)
    """
    if not isinstance(data, Mapping):
        raise ConfigError(f"expected a table of {kind.__name__}, got {_kind(data)}", field=field, file=file)
    hints = get_type_hints(kind)
    known = {f.name.rstrip("_"): f for f in fields(kind) if f.init}  # type: ignore[arg-type]
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)
            hint = f"; the nearest known key is {near[0]!r}" if near else ""
            raise ConfigError(f"unknown key{hint}", field=_join(field, str(key)), file=file)
    values = {}
    for key, spec in known.items():
        if key in data:
            values[spec.name] = _value(hints[spec.name], data[key], _join(field, key), file)
        elif spec.default is MISSING and spec.default_factory is MISSING:
            raise ConfigError("missing; it has no default", field=_join(field, key), file=file)
    try:
        return kind(**values)
    except InvalidInput as error:
        if error.file:
            raise
        raise ConfigError(str(error), field=field, file=file) from None


def plain(value: Any) -> Any:
    """The reverse of `read`: dataclasses become plain data that JSON and TOML can hold."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name.rstrip("_"): plain(getattr(value, f.name)) for f in fields(value) if f.init}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def _join(field: str, key: str) -> str:
    return f"{field}.{key}" if field else key


def _kind(value: object) -> str:
    return {dict: "a table", list: "a list", str: "a string", bool: "true/false", type(None): "nothing"}.get(
        type(value), f"{value!r}"
    )


def _value(hint: Any, value: Any, field: str, file: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union(args, value, field, file)
    if origin is Literal:
        if value in args:
            return value
        raise ConfigError(f"expected one of {', '.join(map(repr, args))}, got {value!r}", field=field, file=file)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"expected a list, got {_kind(value)}", field=field, file=file)
        return tuple(_value(args[0], item, f"{field}[{i}]", file) for i, item in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ConfigError(f"expected a table, got {_kind(value)}", field=field, file=file)
        return {
            _value(args[0], key, field, file): _value(args[1], item, _join(field, str(key)), file)
            for key, item in value.items()
        }
    if is_dataclass(hint):
        return read(hint, value, field, file=file)  # type: ignore[arg-type]
    return _scalar(hint, value, field, file)


def _union(args: tuple[Any, ...], value: Any, field: str, file: str) -> Any:
    if value is None and type(None) in args:
        return None
    problems = []
    for kind in args:
        if kind is bool and not isinstance(value, bool):
            continue
        try:
            if kind is float and isinstance(value, bool):
                continue
            return _value(kind, value, field, file)
        except ConfigError as error:
            problems.append(error)
    raise problems[0] if problems else ConfigError(f"unexpected {_kind(value)}", field=field, file=file)


def _scalar(hint: Any, value: Any, field: str, file: str) -> Any:
    if hint in (Any, object):
        return value
    if hint is datetime:
        return _moment(value, field, file)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        if value in [item.value for item in hint]:
            return hint(value)
        raise ConfigError(f"expected one of {', '.join(hint)}, got {value!r}", field=field, file=file)
    plain_hint = getattr(hint, "__supertype__", hint)
    if plain_hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, plain_hint) and not (plain_hint is int and isinstance(value, bool)):
        return value
    names = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
    raise ConfigError(f"expected {names.get(plain_hint, plain_hint)}, got {_kind(value)}", field=field, file=file)


def _moment(value: Any, field: str, file: str) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ConfigError(f"expected an RFC 3339 time, got {value!r}", field=field, file=file) from None
    if moment.tzinfo is None:
        raise ConfigError("expected a time with its zone, such as 2026-01-31T09:00:00Z", field=field, file=file)
    return moment.astimezone(UTC)
