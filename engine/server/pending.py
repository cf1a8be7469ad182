"""How many handlers may be at work, behind `Intake`: what comes beyond is turned away before work is done for it."""

from __future__ import annotations

from typing import Any, Protocol

from engine.core.errors import DeadlinePassed, ResourceExhausted


class Bound(Protocol):
    """Counts calls under way."""

    def enter(self, context: Any) -> None:
        """A call begins.

        Raises:
            ResourceExhausted: If too many are under way.
            DeadlinePassed: If nobody waits for its answer any more.
        """
        ...

    def leave(self) -> None:
        """A call that entered is over."""
        ...


class Unbounded:
    """Lets every call begin: for changes of campaigns, which must go through while shoppers flood in."""

    def enter(self, context: Any) -> None:
        """See `Bound`."""

    def leave(self) -> None:
        """See `Bound`."""


class Pending:
    """At most so many calls of one process at a time.

    A queue without a bound makes every caller wait until nobody's deadline is kept; with one, those let in are answered
    about as fast as ever.

    Attributes:
        under_way: Calls that entered and are not over.
        shed: Calls turned away since the start.
        expired: Calls whose deadline had passed before their turn came.
    """

    def __init__(self, most: int, what: str) -> None:
        """Bound calls.

        Args:
            most: How many.
            what: The setting's name, for the message.
        """
        self._most = most
        self._message = f"expected at most {most} calls under way ({what}), and there are; try again later"
        self.under_way = self.shed = self.expired = 0

    def enter(self, context: Any) -> None:
        """See `Bound`."""
        if self.under_way >= self._most:
            self.shed += 1
            raise ResourceExhausted(self._message)
        remaining = context.time_remaining()
        if remaining is not None and remaining <= 0:
            self.expired += 1
            raise DeadlinePassed("the deadline had passed before the request's turn came; nothing was done")
        self.under_way += 1

    def leave(self) -> None:
        """See `Bound`."""
        self.under_way -= 1
