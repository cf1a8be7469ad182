"""One remote call, free of how it is made: the blocking and the async client share it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Call(Generic[A]):
    """What to send where, and how to read the answer.

    Attributes:
        path: `/package.Service/Method`.
        request: The message.
        response: Class of the answer's message.
        read: Turns that message into ours.
        repeatable: Whether making the call twice does what making it once does, so that it may be retried.
    """

    path: str
    request: Any
    response: Any
    read: Callable[[Any], A]
    repeatable: bool = False
