"""Quiet hours and slots on a real server, by each shopper's own clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from engine.client import Batch, Client
from engine.core.errors import InvalidInput, RequestIdConflict

AT = datetime(2026, 6, 1, 20, 30, tzinfo=UTC)
"""22:30 in Berlin, 16:30 in New York, 02:15 of 2 June in Kathmandu."""

HOURS: dict[str, Any] = {
    "slots": [
        {"id": "now"},
        {"id": "evening", "from_time": "18:00", "to_time": "21:00", "delay_s": 7_200.0},
        {"id": "morning", "from_time": "06:00", "to_time": "09:00", "delay_s": 36_000.0},
    ],
    "quiet_hours": [{"from_time": "21:00", "to_time": "08:00", "channels": ["push"]}],
    "time_zone": "America/New_York",
    "variants": [{"id": "a", "state": "approved", "channels": {"email": {"text": "e"}, "push": {"text": "p"}}}],
    "channels": [{"id": "email"}, {"id": "push"}],
    "shares": {"control": 0.0, "holdout": 0.0},
}
BERLIN = {"hold", "a/email/now", "a/email/morning", "a/push/morning"}
NEW_YORK = {"hold", "a/email/now", "a/push/now", "a/email/evening", "a/push/evening"}
KATHMANDU = {"hold", "a/email/now", "a/email/morning", "a/push/morning"}


@pytest.fixture(scope="module")
def hours_client(clocked_server: Any, make_settings: Any, patient: Any) -> Iterator[Client]:
    """A client of a server under the caller's clock, which has the campaign `hours`."""
    with Client(clocked_server.address, patient) as made:
        made.create_campaign(make_settings("hours", **HOURS))
        yield made


def eligible(client: Client, zone: str, at: datetime = AT) -> set[str]:
    """Arms that a draw may give, by the probabilities of a decision."""
    answer = client.decide("hours", "u", np.zeros(4), at=at, time_zone=zone, top_k=100)
    assert not answer.safe
    return {arm for arm, _ in answer.top}


@pytest.mark.parametrize(
    ("zone", "arms"),
    [("Europe/Berlin", BERLIN), ("America/New_York", NEW_YORK), ("", NEW_YORK), ("Asia/Kathmandu", KATHMANDU)],
)
def test_each_shopper_has_the_clock_of_its_zone(hours_client: Client, zone: str, arms: set[str]) -> None:
    assert eligible(hours_client, zone) == arms


def test_reasons_are_told_and_recorded(hours_client: Client) -> None:
    asked = hours_client.explain_request("hours", "u", np.zeros(4), at=AT, time_zone="Europe/Berlin")
    expected = {
        "a/push/now": "quiet_hours",
        "a/email/evening": "slot_closed",
        "a/push/evening": "slot_closed",
    }
    assert asked.excluded == expected
    answer = hours_client.decide("hours", "u", np.zeros(4), at=AT, time_zone="Europe/Berlin")
    assert hours_client.explain(answer.decision_id).excluded == expected


def test_a_batch_has_a_clock_for_each_shopper(hours_client: Client) -> None:
    zones = ["Europe/Berlin", "", "Asia/Kathmandu"] * 60
    batch = Batch("hours", [f"u{i}" for i in range(180)], np.zeros((180, 4)), at=AT, time_zones=zones)
    (answer,) = hours_client.decide_batch([batch])
    for start, arms in enumerate((BERLIN, NEW_YORK, KATHMANDU)):
        assert set(answer.arms[start::3]) == arms, "60 uniform draws miss one of 5 arms once in 130,000 runs"
    everywhere = Batch("hours", [f"v{i}" for i in range(60)], np.zeros((60, 4)), at=AT, time_zones=["Asia/Kathmandu"])
    (answer,) = hours_client.decide_batch([everywhere])
    assert set(answer.arms) == KATHMANDU


def test_where_clocks_change_the_server_follows(hours_client: Client) -> None:
    """06:00 is 05:00 UTC in Berlin's winter and 04:00 UTC in its summer: ten hours before are 19:00 and 18:00 UTC."""
    winter, summer = datetime(2026, 3, 27, 18, 30, tzinfo=UTC), datetime(2026, 3, 28, 18, 30, tzinfo=UTC)
    assert winter.astimezone(ZoneInfo("Europe/Berlin")).hour == summer.astimezone(ZoneInfo("Europe/Berlin")).hour
    assert "a/email/morning" not in eligible(hours_client, "Europe/Berlin", winter)
    assert "a/email/morning" in eligible(hours_client, "Europe/Berlin", summer)


def test_the_zone_is_part_of_a_request(hours_client: Client) -> None:
    ask = {"user": "u", "embedding": np.zeros(4), "at": AT, "request_id": "zoned"}
    first = hours_client.decide("hours", time_zone="Europe/Berlin", **ask)  # type: ignore[arg-type]
    assert hours_client.decide("hours", time_zone="Europe/Berlin", **ask) == first  # type: ignore[arg-type]
    with pytest.raises(RequestIdConflict):
        hours_client.decide("hours", time_zone="America/New_York", **ask)  # type: ignore[arg-type]


def test_an_unknown_zone_is_the_callers_mistake(hours_client: Client) -> None:
    with pytest.raises(InvalidInput, match="IANA") as caught:
        hours_client.decide("hours", "u", np.zeros(4), time_zone="Mars/Olympus")
    assert caught.value.field == "time_zone"


def test_hours_can_be_changed_while_serving(hours_client: Client, make_settings: Any) -> None:
    hours_client.create_campaign(make_settings("changing", **HOURS))
    ask = {"user": "u", "embedding": np.zeros(4), "at": AT, "time_zone": "Europe/Berlin", "top_k": 100}
    before = hours_client.decide("changing", **ask)  # type: ignore[arg-type]
    hours_client.update_campaign("changing", make_settings("changing", **{**HOURS, "quiet_hours": []}))
    after = hours_client.decide("changing", **ask)  # type: ignore[arg-type]
    assert {arm for arm, _ in after.top} - {arm for arm, _ in before.top} == {"a/push/now"}
