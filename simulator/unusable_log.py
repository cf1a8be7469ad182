"""The error for a log, or a source of one, that cannot be used as it is."""

from __future__ import annotations

from engine.core.errors import InvalidInput

__all__ = ["UnusableLog"]

_LONGEST = 60


class UnusableLog(InvalidInput):
    """A file, line or field of a log is not what the format says.

    The message always reads "expected ..., got ...; remedy", so that whoever made the file can repair it without
    reading our code. A command turns it into exit code 2.
    """

    def __init__(
        self, expected: str, got: object, remedy: str, *, field: str = "", file: str = "", line: int | None = None
    ) -> None:
        seen = got if isinstance(got, str) else repr(got)
        if len(seen) > _LONGEST:
            seen = seen[: _LONGEST - 1] + "…"
        super().__init__(f"expected {expected}, got {seen}; {remedy}", field=field, file=file, line=line)
        self.expected = expected
        self.got = seen
        self.remedy = remedy
