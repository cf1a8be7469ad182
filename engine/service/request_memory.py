"""Remembers decisions by id for a while, so that a retry gets the same answer."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from engine.core.decision import Decision
from engine.core.errors import RequestIdConflict, ResourceExhausted


class RequestMemory:
    """A bounded table of decision id → decision.

    Decisions leave it when they are older than the stated time. A full table refuses new decisions rather than
    forget a young one: forgetting would let a retry decide twice.

    Attributes:
        ttl: The stated time.
    """

    def __init__(self, ttl_s: float, capacity: int) -> None:
        self.ttl = timedelta(seconds=ttl_s)
        self._capacity = capacity
        self._decisions: OrderedDict[str, Decision] = OrderedDict()

    def __len__(self) -> int:
        return len(self._decisions)

    def find(self, decision_id: str) -> Decision | None:
        """The remembered decision, if there is one."""
        return self._decisions.get(decision_id)

    def same_request(self, decision_id: str, body_digest: str, user: str) -> Decision | None:
        """The decision of an earlier call with this request id.

        Raises:
            RequestIdConflict: If that call had another body.
        """
        found = self._decisions.get(decision_id)
        if found is not None:
            require_same_body(found, body_digest, user)
        return found

    def remember(self, decision: Decision, now: datetime) -> None:
        """Keep a new decision.

        Raises:
            ResourceExhausted: If the table is full of young decisions.
        """
        self.require_room(1, now)
        self._decisions[decision.id] = decision

    def require_room(self, count: int, now: datetime) -> None:
        """Make room by forgetting what is old.

        Raises:
            ResourceExhausted: If there is not enough room all the same.
        """
        while self._decisions:
            oldest = next(iter(self._decisions.values()))
            if oldest.decided_at > now - self.ttl:
                break
            self._decisions.popitem(last=False)
        if len(self._decisions) + count > self._capacity:
            raise ResourceExhausted(
                f"{self._capacity} decisions are younger than {self.ttl.total_seconds():g} s; retry later or raise"
                " request_ids.capacity"
            )

    def recall(self, decision: Decision, now: datetime) -> None:
        """Keep a decision that a journal tells of, if it is young; the oldest go where there is no room."""
        if decision.decided_at <= now - self.ttl:
            return
        self._decisions[decision.id] = decision
        if len(self._decisions) > self._capacity:
            self._decisions.popitem(last=False)

    def forget(self, decision_id: str) -> None:
        """Drop a decision that never became durable."""
        self._decisions.pop(decision_id, None)


def require_same_body(decision: Decision, body_digest: str, user: str) -> None:
    """Refuse a request id that comes back with another body.

    A safe answer that a client reported has no body but its user: asking again under its id gives that answer.

    Raises:
        RequestIdConflict: Naming the field `request_id`.
    """
    same = decision.body_digest == body_digest if decision.body_digest else decision.user == user
    if not same:
        raise RequestIdConflict(
            "this id was used before with another body; use a new id for a new decision", field="request_id"
        )
