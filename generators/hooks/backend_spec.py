"""The name of a backend as it is given on the command line."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl

from engine.core.errors import InvalidInput

_FIELD = "--backend"


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """`KIND`, `KIND:TARGET` or `KIND:TARGET?OPTION=VALUE&…`.

    Attributes:
        kind: What stands before the first colon.
        target: A folder, an address or the name of a model.
        options: Option → value.
    """

    kind: str
    target: str
    options: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> BackendSpec:
        """Take a name apart; a plain http address is of kind `http`.

        Raises:
            InvalidInput: An option stands twice or has no value.
        """
        address, _, query = text.partition("?")
        kind, _, target = address.partition(":")
        if kind in ("http", "https") and target.startswith("//"):
            kind, target = "http", address
        pairs = parse_qsl(query, keep_blank_values=True)
        options = dict(pairs)
        if len(options) < len(pairs) or "" in options.values() or (query and not pairs):
            raise InvalidInput("expected each option once, as NAME=VALUE", field=_FIELD)
        return cls(kind, target, options)

    def only(self, known: Collection[str]) -> None:
        """Refuse options that the backend does not know.

        Raises:
            InvalidInput: It names the nearest known one.
        """
        for name in self.options:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise InvalidInput(
                    f"expected one of {', '.join(sorted(known)) or 'none'}, got {name!r}{hint}", field=_FIELD
                )

    def languages(self) -> frozenset[str]:
        """Return the languages of `languages=en,zh`; empty where the option is left out."""
        return frozenset(part for part in self.options.get("languages", "").split(",") if part)

    def flag(self, name: str) -> bool:
        """Return an option that is 1 or 0; left out it is 0.

        Raises:
            InvalidInput: It is something else.
        """
        value = self.options.get(name, "0")
        if value not in ("0", "1"):
            raise InvalidInput(f"expected {name}=1 or {name}=0, got {value!r}", field=_FIELD)
        return value == "1"
