import contextlib
import zoneinfo
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import InvalidInput
from engine.core.time_zone import REACH_MINUTES, time_zone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = (
    "UTC", "Europe/Berlin", "Europe/Dublin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia",
    "Pacific/Kiritimati", "Pacific/Pago_Pago", "Pacific/Chatham", "America/St_Johns", "America/New_York",
    "Antarctica/Troll", "Africa/Casablanca", "Asia/Pyongyang",
)  # fmt: skip


def minutes(*moment: int) -> int:
    return (datetime(*moment, tzinfo=UTC) - EPOCH) // timedelta(minutes=1)  # type: ignore[misc, arg-type]


def test_spring_forward_is_found_to_the_minute() -> None:
    assert next(time_zone("Europe/Berlin").stretches(minutes(2026, 3, 28, 12))) == (minutes(2026, 3, 29, 1), 60)
    assert next(time_zone("Europe/Berlin").stretches(minutes(2026, 3, 29, 1)))[1] == 120
    assert next(time_zone("Europe/Berlin").stretches(minutes(2026, 3, 29, 1) - 1))[1] == 60


def test_the_date_line_moves_by_a_whole_day() -> None:
    """Samoa went from UTC−10 to UTC+14 at the end of 29 December 2011, and had no 30 December."""
    first, second = list(time_zone("Pacific/Apia").stretches(minutes(2011, 12, 30, 9)))[:2]
    assert first == (minutes(2011, 12, 30, 10), -600)
    assert second[1] == 840


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES), st.integers(minutes(1972, 2, 1), minutes(2045, 1, 1)), st.integers(0, REACH_MINUTES))
def test_stretches_say_what_zoneinfo_says(name: str, start: int, ahead: int) -> None:
    zone = ZoneInfo(name)
    at = start + ahead
    found = next(offset for until, offset in time_zone(name).stretches(start) if until > at)
    assert timedelta(minutes=found) == (EPOCH + timedelta(minutes=at)).astimezone(zone).utcoffset()
    edges = [until for until, _ in time_zone(name).stretches(start)]
    assert edges == sorted(set(edges))
    assert edges[-1] > start + REACH_MINUTES


@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_time_have_an_offset(year: int) -> None:
    assert next(time_zone("Asia/Kathmandu").stretches(minutes(year, 12 if year > 1 else 1, 31)))[1] in range(330, 350)


@pytest.mark.parametrize(
    "name",
    ["", "Berlin", "europe/berlin", "Europe", "Europe/", "../UTC", "/etc/localtime", "UTC\0", "x" * 5_000, "zone.tab",
     "right/UTC", "posix/UTC", "localtime", "+02:00", "\udc80"],
)  # fmt: skip
def test_what_is_no_zone_is_refused_by_name(name: str) -> None:
    with pytest.raises(InvalidInput, match="IANA time zone") as caught:
        time_zone(name, "time_zones[3]")
    assert caught.value.field == "time_zones[3]"


@given(st.text(max_size=30) | st.text("./-+ \\Europ%\0", max_size=12))
def test_any_text_is_a_zone_or_refused(name: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert next(time_zone(name).stretches(0))[0] > 0


def test_a_zone_is_read_once() -> None:
    assert time_zone("Europe/Berlin") is time_zone("Europe/Berlin")


def test_images_without_zones_of_their_own_use_the_package() -> None:
    zoneinfo.reset_tzpath(to=[])
    try:
        assert ZoneInfo.no_cache("Asia/Kathmandu").utcoffset(datetime(2026, 1, 1)) == timedelta(hours=5, minutes=45)
    finally:
        zoneinfo.reset_tzpath()
