"""How large a call may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.core.errors import InvalidInput

_SMALL = frozenset({"Decide", "Explain"})


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bounds of messages; streams carry batches, and have the server's own bound alone.

    Attributes:
        decide: Bytes of a `Decide` or an `Explain`.
        call: Bytes of any other call.
    """

    decide: int
    call: int

    def require(self, method: str, request: Any) -> None:
        """Refuse a message that is larger than its kind ever needs to be.

        It is the caller who must change it: as large as it is, it will be refused again.

        Raises:
            InvalidInput: If it is.
        """
        small = method in _SMALL
        most = self.decide if small else self.call
        size = request.ByteSize()
        if size > most:
            raise InvalidInput(
                f"expected a message of at most {most} bytes, got {size}; send less at once, or raise"
                f" limits.{'decide_kb' if small else 'call_kb'} on the server"
            )
