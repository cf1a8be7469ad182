"""Every error armsreach raises on purpose.

::

    ArmsreachError
    ├── CallerError                what was asked cannot be done as asked: the caller fixes it
    │   ├── InvalidInput           a field, line or file is wrong; `field` names it
    │   │   └── ConfigError        the same, in a configuration file
    │   ├── NotFound               a campaign, variant, decision or snapshot nobody knows
    │   ├── FailedPrecondition     right in itself, not in this state (a paused campaign, a stale snapshot)
    │   ├── RequestIdConflict      a request id seen before with another body
    │   └── Refused                the caller may not
    │       ├── Unauthenticated    nobody knows who calls: no token, or one that is not valid (any more)
    │       └── PermissionDenied   the token is valid, and not for this
    ├── CorruptState               files on disk are not what we wrote: we repair it
    │   └── UnsupportedVersion     written by a newer armsreach: upgrade the reader
    ├── LearningError              Vowpal Wabbit or the publish check refused: we look, serving goes on
    └── Overloaded                 retry later or degrade
        ├── DeadlinePassed         nobody waits for the answer any more
        ├── ResourceExhausted      a bounded table or queue is full
        └── Unavailable            draining, or the other side is away

The roots say who must act. Messages say what was expected, what came and the remedy, and carry no customer data.
"""

from __future__ import annotations

__all__ = [
    "ArmsreachError",
    "CallerError",
    "ConfigError",
    "CorruptState",
    "DeadlinePassed",
    "FailedPrecondition",
    "InvalidInput",
    "LearningError",
    "NotFound",
    "Overloaded",
    "PermissionDenied",
    "Refused",
    "RequestIdConflict",
    "ResourceExhausted",
    "Unauthenticated",
    "Unavailable",
    "UnsupportedVersion",
]


class ArmsreachError(Exception):
    """Root of all errors raised on purpose."""


class CallerError(ArmsreachError):
    """The request, file or command is wrong; whoever made it must change it."""


class InvalidInput(CallerError):
    """One field is not what was expected.

    Attributes:
        field: Dotted path of the field, column or option, as the caller wrote it.
        file: The file it stands in, when there is one.
        line: One-based line in that file, when there is one.
    """

    def __init__(self, message: str, *, field: str = "", file: str = "", line: int | None = None) -> None:
        place = file + (f":{line}" if line is not None else "")
        super().__init__(": ".join(part for part in (place, field, message) if part))
        self.field = field
        self.file = file
        self.line = line


class ConfigError(InvalidInput):
    """A configuration key or value is wrong."""


class NotFound(CallerError):
    """The named campaign, variant, decision or snapshot does not exist."""


class FailedPrecondition(CallerError):
    """The request is well formed, but the state of the system does not allow it now."""


class RequestIdConflict(InvalidInput):
    """The request id was used before, with a different body."""


class Refused(CallerError):
    """The caller may not do this."""


class Unauthenticated(Refused):
    """Nobody knows who calls."""


class PermissionDenied(Refused):
    """It is known who calls, and that they may not do this."""


class CorruptState(ArmsreachError):
    """Bytes on disk fail their checksum or break their format."""


class UnsupportedVersion(CorruptState):
    """The bytes were written by a newer version; the remedy is to upgrade this reader."""


class LearningError(ArmsreachError):
    """Learning, compiling or checking a model failed; nothing was published."""


class Overloaded(ArmsreachError):
    """Nothing is wrong with the request; try again later or degrade.

    Attributes:
        retry_s: When to try again; None where one moment is as good as another.
    """

    def __init__(self, message: str = "", *, retry_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_s = retry_s


class DeadlinePassed(Overloaded):
    """The caller's deadline passed before its turn came; nothing was done."""


class ResourceExhausted(Overloaded):
    """A bounded table, queue or budget is full."""


class Unavailable(Overloaded):
    """The server is draining or cannot be reached."""
