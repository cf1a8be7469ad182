"""Nothing is sent outside a slot's hours or within quiet hours, by the shopper's own clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from engine.core.arm import ChannelId
from engine.core.catalogue import Catalogue
from engine.core.local_hours import DAY_MINUTES
from engine.core.opening import Opening
from engine.core.placement import Slot
from engine.core.quiet_hours import QuietHours
from engine.core.rules.rule import Inquiry
from engine.core.time_zone import REACH_MINUTES, TimeZone, time_zone

_KEPT_MINUTES = 4096
_KEPT_PATTERNS = 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_LAST_OF_MINUTE = _MINUTE - timedelta.resolution

_SLOT_CLOSED, _QUIET = 1, 2


class Hours:
    """Excludes arms whose send would come too late for their slot, or never outside quiet hours.

    An arm's send moment is the first one at or after deciding that lies within its slot's hours and outside the quiet
    hours of its channel. The arm is excluded where that is more than the slot's `delay_s` away, counted in whole
    minutes: with `quiet_hours` if the slot's hours alone would have allowed a send, with `slot_closed` otherwise.

    All of this changes on whole minutes only. What is closed in a zone and a minute is a pattern, a byte for each kind
    of cell; after a zone's first request of a minute it is one look-up, and equal patterns are equal keys, whatever
    zone and minute they come from.
    """

    reasons = ("slot_closed", "quiet_hours")

    def __init__(self, catalogue: Catalogue, quiet_hours: Sequence[QuietHours], zone: str) -> None:
        """Prepare a plan for each channel × slot cell.

        Args:
            catalogue: The arms; their slots may have hours.
            quiet_hours: Those of the campaign.
            zone: IANA zone of shoppers who bring none.

        Raises:
            InvalidInput: If the zone is unknown.
        """
        self._default = time_zone(zone)
        slots = {slot.id: slot for slot in catalogue.slots}
        openings = _Openings(quiet_hours)
        plans: dict[_Plan, int] = {}
        of_cells: dict[object, int] = {None: 0}
        for arm in catalogue.arms:
            if arm is not None and arm.cell not in of_cells:
                plan = openings.plan(slots[arm.slot], arm.channel)
                of_cells[arm.cell] = 0 if plan is None else plans.setdefault(plan, len(plans) + 1)
        self._plans = tuple(plans)
        # 0 where nothing ever closes, `hold` included; else 1 + the index of the arm's plan.
        self._plan_of = np.array([of_cells[arm and arm.cell] for arm in catalogue.arms])
        self._latest = (0, _EPOCH, _EPOCH + _LAST_OF_MINUTE)
        self._known: dict[tuple[str, int], bytes] = {}
        self._arrays: dict[bytes, np.ndarray | None] = {}

    def key(self, inquiry: Inquiry) -> bytes:
        """See `Rule`: the pattern.

        Raises:
            InvalidInput: If the inquiry's time zone is unknown.
        """
        return self.pattern(inquiry.time_zone, self._minute(inquiry.at))

    def excluded(self, inquiry: Inquiry) -> np.ndarray | None:
        """See `Rule`; the array is shared and read-only.

        Raises:
            InvalidInput: If the inquiry's time zone is unknown.
        """
        pattern = self.key(inquiry)
        if pattern not in self._arrays:
            if len(self._arrays) >= _KEPT_PATTERNS:
                self._arrays.clear()
            self._arrays[pattern] = self._spread(pattern)
        return self._arrays[pattern]

    def pattern(self, zone: str, minute: int) -> bytes:
        """What is closed.

        Args:
            zone: IANA name; empty for the campaign's.
            minute: Whole minutes since 1970 in UTC.

        Returns:
            A code for each kind of cell: 0 where it may send, else 1 + the index of its reason.

        Raises:
            InvalidInput: If the zone is unknown.
        """
        try:
            return self._known[zone, minute]
        except KeyError:
            pass
        place = self._place(zone)
        pattern = bytes([plan.code(minute, place) for plan in self._plans])
        if len(self._known) >= _KEPT_MINUTES:
            self._known.clear()
        self._known[zone, minute] = pattern
        return pattern

    def send_at(self, column: int, inquiry: Inquiry) -> datetime | None:
        """When an arm decided on now is sent; None where it is excluded here, and for `hold`.

        Args:
            column: The arm's place in the catalogue.
            inquiry: The shopper and the moment of deciding.

        Raises:
            InvalidInput: If the inquiry's time zone is unknown.
        """
        if column == 0:
            return None
        index = int(self._plan_of[column])
        if not index:
            return inquiry.at
        plan = self._plans[index - 1]
        minute = self._minute(inquiry.at)
        found = plan.allowed.first(minute, self._place(inquiry.time_zone), plan.within)
        if found is None:
            return None
        return inquiry.at if found == minute else _EPOCH + found * _MINUTE

    def _minute(self, at: datetime) -> int:
        """Whole minutes since 1970; comparing with the latest minute takes a fifth of the division's time."""
        minute, first, last = self._latest
        if not first <= at <= last:
            minute = (at - _EPOCH) // _MINUTE
            first = _EPOCH + minute * _MINUTE
            self._latest = (minute, first, first + _LAST_OF_MINUTE)
        return minute

    def _place(self, zone: str) -> TimeZone:
        return time_zone(zone) if zone else self._default

    def _spread(self, pattern: bytes) -> np.ndarray | None:
        if not any(pattern):
            return None
        codes = np.frombuffer(b"\0" + pattern, dtype=np.uint8)[self._plan_of]
        codes.flags.writeable = False
        return codes


@dataclass(frozen=True, slots=True)
class _Plan:
    """When one cell may send.

    Attributes:
        slot: The slot's hours.
        allowed: The same without the channel's quiet hours.
        within: The longest wait, in minutes.
    """

    slot: Opening
    allowed: Opening
    within: int

    def code(self, minute: int, zone: TimeZone) -> int:
        if self.allowed.first(minute, zone, self.within) is not None:
            return 0
        if self.allowed is self.slot or self.slot.first(minute, zone, self.within) is None:
            return _SLOT_CLOSED
        return _QUIET


class _Openings:
    """Makes plans; equal ones are one object, so that each is judged once a minute."""

    def __init__(self, quiet_hours: Sequence[QuietHours]) -> None:
        self._quiet_hours = quiet_hours
        self._known: dict[bytes, Opening] = {}

    def plan(self, slot: Slot, channel: ChannelId) -> _Plan | None:
        """The plan of a cell; None where nothing ever closes it."""
        quiet = [q.hours.minutes() for q in self._quiet_hours if not q.channels or channel in q.channels]
        if slot.hours is None and not quiet:
            return None
        open_ = np.ones(DAY_MINUTES, dtype=bool) if slot.hours is None else slot.hours.minutes()
        allowed = open_ & ~np.logical_or.reduce(quiet) if quiet else open_
        return _Plan(self._opening(open_), self._opening(allowed), min(int(slot.delay_s // 60.0), REACH_MINUTES))

    def _opening(self, minutes: np.ndarray) -> Opening:
        key = minutes.tobytes()
        if key not in self._known:
            self._known[key] = Opening(minutes)
        return self._known[key]
