"""The two clocks a server may run on."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.core.errors import InvalidInput

_TOLERANCE_S = 300.0


class SystemClock:
    """This machine's time; times in decide requests are ignored."""

    def now(self) -> datetime:
        """The present; aware UTC."""
        return datetime.now(UTC)

    def deciding_at(self, claimed: datetime | None) -> datetime:  # noqa: ARG002
        """The time of a decision, whatever the request claims."""
        return self.now()

    def reported_at(self, happened: datetime) -> datetime:
        """The time of receiving an outcome.

        Raises:
            InvalidInput: If the outcome lies in the future by more than clocks may differ.
        """
        now = self.now()
        if (happened - now).total_seconds() > _TOLERANCE_S:
            raise InvalidInput(
                f"expected a time no later than {_TOLERANCE_S:g} s from now; check the clock", field="at"
            )
        return now


class ClientClock:
    """Time as requests tell it, never going back, from the journal's last time on; for simulation and replay."""

    def __init__(self, latest: datetime | None = None) -> None:
        self._latest = latest or datetime.fromtimestamp(0, UTC)

    def now(self) -> datetime:
        """The latest time seen."""
        return self._latest

    def deciding_at(self, claimed: datetime | None) -> datetime:
        """The time that the request claims.

        Raises:
            InvalidInput: If it claims none.
        """
        if claimed is None:
            raise InvalidInput('expected a time, as the server runs with clock = "client"', field="at")
        self._latest = max(self._latest, claimed)
        return claimed

    def reported_at(self, happened: datetime) -> datetime:
        """The latest time seen, this outcome's included."""
        self._latest = max(self._latest, happened)
        return self._latest
