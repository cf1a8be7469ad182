"""Slots and quiet hours by the shopper's own clock, by hand and against a walk through every minute."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.campaign import Campaign
from engine.core.context import Context
from engine.core.errors import ConfigError, InvalidInput
from engine.core.local_hours import LocalHours
from engine.core.reading import plain, read
from engine.core.rules import Eligibility, Hours, Inquiry

BERLIN = "Europe/Berlin"
NOBODY = Context(np.zeros(0, dtype=np.float32), {}, frozenset())


def campaign(*quiet: dict[str, Any], slots: list[dict[str, Any]] | None = None, **changes: Any) -> Campaign:
    return read(
        Campaign,
        {
            "id": "c",
            "channels": [{"id": "email"}, {"id": "push"}],
            "slots": slots or [{"id": "now"}],
            "variants": [
                {"id": "v", "state": "approved", "channels": {"email": {"text": "e"}, "push": {"text": "p"}}},
            ],
            "quiet_hours": list(quiet),
            **changes,
        },
    )


def slot(from_time: str, to_time: str, delay: timedelta = timedelta(0), name: str = "s") -> dict[str, Any]:
    return {"id": name, "from_time": from_time, "to_time": to_time, "delay_s": delay.total_seconds()}


def local(zone: str, *moment: int, fold: int = 0) -> datetime:
    return datetime(*moment, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)  # type: ignore[misc, arg-type]


def asked(found: Campaign, at: datetime, zone: str, arm: str) -> tuple[datetime | None, str | None]:
    """When an arm would be sent, and why not."""
    catalogue = found.catalogue()
    eligibility = Eligibility(found, catalogue)
    inquiry = Inquiry(NOBODY, at, time_zone=zone)
    eligible = eligibility.of(inquiry)
    assert eligible.mask[0], "nothing excludes hold"
    reason = eligibility.excluded(eligible).get(arm)  # type: ignore[call-overload]
    sent = eligibility.send_at(catalogue.index(arm), inquiry)
    assert (sent is None) is (reason is not None)
    return sent, reason


def sent(found: Campaign, at: datetime, zone: str = BERLIN, arm: str = "v/email/s") -> datetime | str | None:
    moment, reason = asked(found, at, zone, arm)
    return moment or reason


HOUR = timedelta(hours=1)
EVENING = slot("18:00", "21:00", 6 * HOUR)


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ((11, 59), "slot_closed"),
        ((12, 0), (18, 0)),
        ((17, 59), (18, 0)),
        ((18, 0), (18, 0)),
        ((20, 59), (20, 59)),
        ((21, 0), "slot_closed"),
    ],
)
def test_a_slot_opens_within_its_delay_or_is_closed(clock: tuple[int, int], expected: Any) -> None:
    found = sent(campaign(slots=[EVENING]), local(BERLIN, 2026, 6, 1, *clock))
    assert found == (expected if isinstance(expected, str) else local(BERLIN, 2026, 6, 1, *expected))


def test_inside_its_hours_a_slot_sends_at_once_to_the_microsecond() -> None:
    at = local(BERLIN, 2026, 6, 1, 18, 30) + timedelta(seconds=59, microseconds=999_999)
    assert sent(campaign(slots=[EVENING]), at) == at


@pytest.mark.parametrize(
    ("delay", "clock", "closed"),
    [(60.0, (17, 59, 0), False), (60.0, (17, 58, 59), True), (59.9, (17, 59, 0), True), (119.9, (17, 58, 59), True)],
)
def test_waits_never_exceed_the_delay_counted_in_whole_minutes(
    delay: float, clock: tuple[int, ...], closed: bool
) -> None:
    found = campaign(slots=[{**EVENING, "delay_s": delay}])
    at = local(BERLIN, 2026, 6, 1, *clock)
    assert (sent(found, at) == "slot_closed") is closed
    assert closed or (local(BERLIN, 2026, 6, 1, 18) - at).total_seconds() <= delay


def test_zones_decide_differently_at_one_moment() -> None:
    """At 12:30 UTC it is 18:00 in Kolkata, 18:15 in Kathmandu and 14:30 in Berlin."""
    at = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
    prompt = campaign(slots=[slot("18:00", "18:15")])
    assert sent(prompt, at, "Asia/Kolkata") == at
    assert sent(prompt, at - timedelta(minutes=1), "Asia/Kolkata") == "slot_closed"
    assert sent(prompt, at, "Asia/Kathmandu") == "slot_closed"
    assert sent(prompt, at - timedelta(minutes=1), "Asia/Kathmandu") == at - timedelta(minutes=1)
    assert sent(prompt, at) == "slot_closed"
    assert sent(campaign(slots=[EVENING]), at) == at + timedelta(hours=3, minutes=30)


def test_on_both_sides_of_the_date_line_the_same_moment_has_its_own_day() -> None:
    """10:30 UTC on 1 June is 23:30 of 31 May in Pago Pago and 00:30 of 2 June on Kiritimati."""
    at = datetime(2026, 6, 1, 10, 30, tzinfo=UTC)
    night = campaign(slots=[slot("00:00", "01:00", HOUR)])
    assert sent(night, at, "Pacific/Kiritimati") == at
    assert sent(night, at, "Pacific/Pago_Pago") == at + timedelta(minutes=30)
    # At the end of 29 December 2011 Samoa skipped a day: ten minutes later it was the 31st.
    skipped = datetime(2011, 12, 30, 9, 50, tzinfo=UTC)
    assert sent(night, skipped, "Pacific/Apia") == skipped + timedelta(minutes=10)


def test_where_clocks_spring_forward_a_skipped_time_does_not_occur() -> None:
    """In Berlin 29 March 2026 goes from 01:59 to 03:00."""
    before = local(BERLIN, 2026, 3, 29, 1, 30)
    inside = campaign(slots=[slot("02:30", "02:45", 25 * HOUR)])
    assert sent(inside, before) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC), "02:30 the day after, 23 hours on"
    assert sent(campaign(slots=[slot("02:30", "02:45", 22 * HOUR)]), before) == "slot_closed"
    across = campaign(slots=[slot("02:30", "04:00", HOUR)])
    assert sent(across, before) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "03:00 follows 01:59"
    assert sent(campaign(slots=[slot("02:30", "04:00", 0.5 * HOUR)]), before) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert sent(campaign(slots=[slot("02:30", "04:00", 0.4 * HOUR)]), before) == "slot_closed"


def test_where_clocks_fall_back_a_time_occurs_twice() -> None:
    """In Berlin 25 October 2026 has the hour from 02:00 twice, from 00:00 and from 01:00 UTC."""
    twice = campaign(slots=[slot("02:30", "02:45", HOUR)])
    assert sent(twice, datetime(2026, 10, 25, 0, 10, tzinfo=UTC)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert sent(twice, datetime(2026, 10, 25, 0, 45, tzinfo=UTC)) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert sent(twice, datetime(2026, 10, 25, 1, 44, tzinfo=UTC)) == datetime(2026, 10, 25, 1, 44, tzinfo=UTC)
    assert sent(twice, datetime(2026, 10, 25, 1, 45, tzinfo=UTC)) == "slot_closed"
    quiet = campaign({"from_time": "21:00", "to_time": "02:30"}, slots=[{"id": "s", "delay_s": 7_200.0}])
    assert sent(quiet, datetime(2026, 10, 25, 0, 29, tzinfo=UTC)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert sent(quiet, datetime(2026, 10, 25, 1, 10, tzinfo=UTC)) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("clock", "reason"),
    [((20, 59), None), ((21, 0), "quiet_hours"), ((0, 0), "quiet_hours"), ((7, 59), "quiet_hours"), ((8, 0), None)],
)
def test_quiet_hours_cross_midnight_and_hold_for_their_channels(clock: tuple[int, int], reason: str | None) -> None:
    found = campaign({"from_time": "21:00", "to_time": "08:00", "channels": ["push"]})
    at = local(BERLIN, 2026, 6, 1, *clock)
    assert asked(found, at, BERLIN, "v/push/now") == (None if reason else at, reason)
    assert asked(found, at, BERLIN, "v/email/now") == (at, None)


def test_a_send_waits_for_the_end_of_quiet_hours_where_its_slot_allows() -> None:
    quiet = {"from_time": "21:00", "to_time": "08:00"}
    patient = campaign(quiet, slots=[{"id": "s", "delay_s": (9 * HOUR).total_seconds()}])
    assert sent(patient, local(BERLIN, 2026, 6, 1, 23)) == local(BERLIN, 2026, 6, 2, 8)
    assert sent(patient, local(BERLIN, 2026, 6, 1, 22, 59)) == "quiet_hours"
    morning = campaign(quiet, slots=[slot("06:00", "09:00", 3 * HOUR)])
    assert sent(morning, local(BERLIN, 2026, 6, 1, 5, 30)) == local(BERLIN, 2026, 6, 1, 8)
    assert sent(morning, local(BERLIN, 2026, 6, 1, 4, 59)) == "quiet_hours", "open at 06:00, but quiet until 08:00"
    assert sent(morning, local(BERLIN, 2026, 6, 1, 2, 59)) == "slot_closed", "06:00 is too late by itself"
    never = campaign(quiet, slots=[slot("22:00", "23:00", 96 * HOUR)])
    assert sent(never, local(BERLIN, 2026, 6, 1, 12)) == "quiet_hours"


@pytest.mark.parametrize(
    ("clock", "hours", "delay_hours", "expected"),
    [
        ((22, 30), {}, 0, "quiet_hours"),
        ((22, 30), {}, 10, (2, 8)),
        ((5, 30), {"from_time": "06:00", "to_time": "09:00"}, 3, (1, 8)),
        ((4, 59), {"from_time": "06:00", "to_time": "09:00"}, 3, "quiet_hours"),
        ((22, 30), {"from_time": "18:00", "to_time": "21:00"}, 6, "slot_closed"),
    ],
)
def test_what_the_page_for_growth_teams_says(
    clock: tuple[int, int], hours: dict[str, str], delay_hours: int, expected: Any
) -> None:
    quiet = {"from_time": "21:00", "to_time": "08:00"}
    found = campaign(quiet, slots=[{"id": "s", "delay_s": delay_hours * 3_600.0, **hours}])
    moment = expected if isinstance(expected, str) else local(BERLIN, 2026, 6, *expected)
    assert sent(found, local(BERLIN, 2026, 6, 1, *clock)) == moment


def test_several_quiet_hours_add_up() -> None:
    found = campaign(
        {"from_time": "12:00", "to_time": "14:00"}, {"from_time": "13:00", "to_time": "15:00", "channels": ["email"]},
        slots=[{"id": "s", "delay_s": 10_800.0}],
    )  # fmt: skip
    at = local(BERLIN, 2026, 6, 1, 12)
    assert sent(found, at) == local(BERLIN, 2026, 6, 1, 15)
    assert sent(found, at, arm="v/push/s") == local(BERLIN, 2026, 6, 1, 14)


def test_shoppers_without_a_zone_have_the_campaigns() -> None:
    at = local("Asia/Tokyo", 2026, 6, 1, 18)
    found = campaign(slots=[EVENING], time_zone="Asia/Tokyo")
    assert sent(found, at, "") == at
    assert sent(found, at, "UTC") == "slot_closed"
    assert sent(campaign(slots=[EVENING]), at, "") == "slot_closed", "UTC by default"


def test_an_unknown_zone_names_the_field() -> None:
    with pytest.raises(InvalidInput, match="IANA") as caught:
        sent(campaign(slots=[EVENING]), datetime(2026, 6, 1, tzinfo=UTC), "Mars/Olympus")
    assert caught.value.field == "time_zone"


def test_consent_comes_before_hours_and_narrowing_after() -> None:
    found = campaign(
        {"from_time": "00:00", "to_time": "24:00"}, channels=[{"id": "email", "needs_consent": True}, {"id": "push"}]
    )
    eligibility = Eligibility(found, found.catalogue())
    eligible = eligibility.of(Inquiry(NOBODY, datetime(2026, 6, 1, tzinfo=UTC), channels=("email",)))
    assert eligibility.excluded(eligible) == {"v/email/now": "no_consent", "v/push/now": "quiet_hours"}


def test_without_hours_there_is_no_rule_and_a_send_is_at_once() -> None:
    found = campaign()
    eligibility, at = Eligibility(found, found.catalogue()), datetime(2026, 6, 1, tzinfo=UTC)
    assert not {"slot_closed", "quiet_hours"} & set(eligibility.reasons)
    assert eligibility.send_at(1, Inquiry(NOBODY, at)) == at
    assert eligibility.send_at(0, Inquiry(NOBODY, at)) is None


def test_equal_states_are_one_array_that_nobody_can_change() -> None:
    found = campaign(slots=[EVENING, {"id": "now"}])
    rule = Hours(found.catalogue(), found.quiet_hours, found.time_zone)
    noon = local(BERLIN, 2026, 6, 1, 10)
    in_berlin, in_utc = Inquiry(NOBODY, noon, time_zone=BERLIN), Inquiry(NOBODY, noon - timedelta(hours=4))
    closed = rule.excluded(in_berlin)
    assert closed is not None
    assert closed.tolist() == [1 if str(arm).endswith("/s") else 0 for arm in found.catalogue().ids]
    assert rule.key(in_utc) == rule.key(in_berlin)
    assert rule.excluded(in_utc) is closed
    with pytest.raises(ValueError, match="read-only"):
        closed[0] = 1
    open_ = Inquiry(NOBODY, noon + timedelta(hours=8), time_zone=BERLIN)
    assert rule.excluded(open_) is None, "nothing is closed at 18:00"
    assert rule.key(open_) != rule.key(in_berlin)


def test_a_rule_that_has_seen_other_minutes_says_the_same() -> None:
    """Minutes begin and end to the microsecond, in any order, from the first year to the last."""
    found = campaign(slots=[slot("18:00", "18:01")])
    rule = Hours(found.catalogue(), found.quiet_hours, found.time_zone)
    tick = timedelta(microseconds=1)
    for year in (9999, 1, 2026, 1969, 2026):
        opens = datetime(year, 6, 1, 18, tzinfo=UTC)
        for at, closed in ((opens - tick, True), (opens, False), (opens + timedelta(minutes=1) - tick, False),
                           (opens + timedelta(minutes=1), True), (opens + timedelta(seconds=30), False)):  # fmt: skip
            assert (rule.excluded(Inquiry(NOBODY, at)) is not None) is closed
    assert rule.excluded(Inquiry(NOBODY, datetime.max.replace(tzinfo=UTC))) is not None


def test_memory_is_bounded() -> None:
    found = campaign(slots=[EVENING])
    rule = Hours(found.catalogue(), found.quiet_hours, found.time_zone)
    for minute in range(10_000):
        rule.pattern("", 29_000_000 + minute)
    assert len(rule._known) <= 4096


def test_hours_are_no_features_and_old_documents_read() -> None:
    plainly, hourly = campaign(), campaign({"from_time": "21:00", "to_time": "08:00"}, slots=[slot("18:00", "21:00")])
    named = campaign(slots=[{"id": "s"}])
    assert hourly.catalogue().digest == named.catalogue().digest
    old = plain(plainly)
    for key in ("quiet_hours", "time_zone"):
        del old[key]
    for key in ("from_time", "to_time"):
        del old["slots"][0][key]
    assert read(Campaign, old) == plainly
    assert read(Campaign, plain(hourly)) == hourly
    # As it was before slots had hours.
    assert plainly.catalogue().digest == "40c91afcc11a0b372fdbeb28"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slots": [slot("18:00", "")]}, r"slots\[0\]: slot s.to_time: expected a time such as"),
        ({"slots": [slot("", "18:00")]}, "from_time: expected a time such as"),
        ({"slots": [slot("9:00", "18:00")]}, "got '9:00'"),
        ({"slots": [slot("09:00", "25:00")]}, "got '25:00'"),
        ({"slots": [slot("24:00", "08:00")]}, 'to "23:59"'),
        ({"slots": [slot("09:00", "09:00")]}, "the whole day"),
        ({"slots": [slot("09:00", "1２:00")]}, "expected a time such as"),
        ({"quiet_hours": [{"from_time": "22:00", "to_time": "8"}]}, r"quiet_hours\[0\].*to_time"),
        ({"quiet_hours": [{"from_time": "22:00", "to_time": "08:00", "channels": ["fax"]}]}, "'fax' is not a channel"),
        ({"time_zone": "Berlin"}, "time_zone: expected an IANA time zone"),
        ({"time_zone": ""}, "time_zone: expected an IANA time zone"),
    ],
)
def test_settings_that_cannot_be_kept_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        campaign(**changes)


def test_local_hours_are_half_open() -> None:
    assert np.flatnonzero(LocalHours(60, 62).minutes()).tolist() == [60, 61]
    assert np.flatnonzero(LocalHours(1439, 1).minutes()).tolist() == [0, 1439]
    assert np.flatnonzero(LocalHours.parse("23:59", "24:00", "x").minutes()).tolist() == [1439]
    assert LocalHours.parse("22:00", "00:00", "x").minutes().sum() == 120


CLOCK = st.integers(0, 1439).map(lambda m: f"{m // 60:02}:{m % 60:02}")
HOURS = st.tuples(CLOCK, CLOCK).filter(lambda pair: pair[0] != pair[1])
CHANGES = (
    (BERLIN, datetime(2026, 3, 29, 1, tzinfo=UTC)),
    (BERLIN, datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 5, 1, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ("America/St_Johns", datetime(2006, 10, 29, 2, 31, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2026, 2, 15, 2, tzinfo=UTC)),
)


def within(hours: tuple[str, str], moment: datetime) -> bool:
    """The definition, on the wall clock's own words."""
    clock = moment.strftime("%H:%M")
    start, end = hours
    return start <= clock < end if start < end else clock >= start or clock < end


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(CHANGES),
    st.integers(-2 * 86_400, 86_400),
    HOURS | st.none(),
    st.lists(HOURS, max_size=2),
    st.integers(0, 30 * 3_600),
)
def test_sends_keep_hours_quiet_and_delay_and_come_as_early_as_they_can(
    change: tuple[str, datetime], seconds: int, hours: tuple[str, str] | None, quiet: list[tuple[str, str]], delay: int
) -> None:
    zone, edge = change
    at = edge + timedelta(seconds=seconds)
    settings_ = slot(*hours) if hours else {"id": "s"}
    found = campaign(
        *({"from_time": q[0], "to_time": q[1]} for q in quiet), slots=[{**settings_, "delay_s": float(delay)}]
    )
    moment, reason = asked(found, at, zone, "v/email/s")

    expected, only_slot = None, None
    walk = at
    while walk - at <= timedelta(seconds=delay // 60 * 60):
        clock = walk.astimezone(ZoneInfo(zone))
        if hours is None or within(hours, clock):
            only_slot = only_slot or walk
            if not any(within(q, clock) for q in quiet):
                expected = walk
                break
        walk = walk.replace(second=0) + timedelta(minutes=1)
    assert moment == expected
    assert reason == (None if expected else "quiet_hours" if only_slot else "slot_closed")
    if moment is not None:
        assert timedelta(0) <= moment - at <= timedelta(seconds=delay)
