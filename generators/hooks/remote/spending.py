"""Count what calls cost, and stop before a ceiling is passed."""

from __future__ import annotations

import threading
from dataclasses import dataclass


class CeilingReached(Exception):
    """The next call could pass the ceiling; internal to the remote hooks, which then ask for nothing more."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one call may cost at most.

    Attributes:
        tokens_in: Expected tokens of the prompt, rounded up.
        tokens_out: Most tokens of the answer.
        cost: Of both.
    """

    tokens_in: int
    tokens_out: int
    cost: float


class Spending:
    """Money and tokens; safe for threads.

    The most that a call may cost is set aside before it is made, so that calls at the same time cannot pass the
    ceiling together. Where it is not known whether an endpoint charges (a time-out, a cut connection), what was set
    aside counts as spent.

    Attributes:
        calls: Calls made, each attempt counted.
        tokens_in: Tokens of prompts, as the endpoint counted them.
        tokens_out: Tokens of answers.
        spent: Money, in the currency of the prices.
        uncertain: Part of `spent` that the endpoint may not charge.
    """

    def __init__(self, price_in: float = 0.0, price_out: float = 0.0, ceiling: float = 0.0) -> None:
        """Set prices for a million tokens, and the most to spend; 0 is no ceiling."""
        self._price_in, self._price_out, self._ceiling = price_in / 1e6, price_out / 1e6, ceiling
        self._lock = threading.Lock()
        self._aside = 0.0
        self.calls = self.tokens_in = self.tokens_out = 0
        self.spent = self.uncertain = 0.0

    def reserve(self, tokens_in: int, tokens_out: int) -> Ticket:
        """Set the most that a call may cost aside.

        Raises:
            CeilingReached: It would pass the ceiling.
        """
        ticket = Ticket(tokens_in, tokens_out, self._cost(tokens_in, tokens_out))
        with self._lock:
            if self._ceiling and self.spent + self._aside + ticket.cost > self._ceiling:
                raise CeilingReached
            self._aside += ticket.cost
            self.calls += 1
        return ticket

    def settle(self, ticket: Ticket, tokens_in: int, tokens_out: int) -> None:
        """Count what the call cost in truth."""
        with self._lock:
            self._aside -= ticket.cost
            self.tokens_in += tokens_in
            self.tokens_out += tokens_out
            self.spent += self._cost(tokens_in, tokens_out)

    def fail(self, ticket: Ticket, *, charged: bool) -> None:
        """Give back what was set aside, or count it where the endpoint may have charged it."""
        with self._lock:
            self._aside -= ticket.cost
            if charged:
                self.spent += ticket.cost
                self.uncertain += ticket.cost

    def _cost(self, tokens_in: int, tokens_out: int) -> float:
        return tokens_in * self._price_in + tokens_out * self._price_out
