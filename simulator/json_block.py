"""A block of JSON Lines: what it says that a data frame read from it does not tell any more."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["JSON_ALIKE", "JsonBlock"]

#: Text that may have been a number, a boolean, a list or an object: polars takes their JSON for a string.
JSON_ALIKE = r"^(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$|true$|false$|[\[{])"
#: Half of a surrogate pair, which polars reads as a zero byte; and names of fields with escapes that hide a letter, or
#: that polars leaves out when it writes an object as text.
_ODD = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
    rb'|\\(?:["\\bfnrt]|u00[0-7])(?:[^"\\]|\\.)*+"\s*+:'
)


@dataclass(frozen=True, slots=True, eq=False)
class JsonBlock:
    """Whole lines.

    Attributes:
        content: The bytes.
    """

    content: bytes

    @property
    def is_odd(self) -> bool:
        """Whether it has escapes that polars reads in another way, or that hide the name of a field."""
        # Most logs escape nothing, and one byte is found fastest.
        return b"\\" in self.content and _ODD.search(self.content) is not None

    def states_text(self, name: str) -> bool:
        """Whether a field of this name, at any depth, is a string in some record."""
        return re.search(rb'"%s"\s*:\s*"' % name.encode(), self.content) is not None

    def states_other(self, name: str) -> bool:
        """Whether a field of this name, at any depth, is neither a string nor null in some record."""
        return re.search(rb'"%s"\s*:\s*[^"\sn]' % name.encode(), self.content) is not None

    def lists_text(self, name: str) -> bool:
        """Whether every list in a field of this name holds strings alone."""
        listed = rb'"%s"\s*:\s*\[\s*+(?:"(?:[^"\\]|\\.)*+"\s*+,?\s*+)*+[^\]]' % name.encode()
        return re.search(listed, self.content) is None
