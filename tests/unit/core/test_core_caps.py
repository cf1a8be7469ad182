"""Frequency caps: settings and arithmetic, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from engine.core.arm import ChannelId, SlotId, VariantId
from engine.core.campaign import Campaign
from engine.core.cap_windows import CapWindows
from engine.core.capped_arms import CappedArms
from engine.core.errors import ConfigError, InvalidInput
from engine.core.frequency_cap import FrequencyCap, checked_caps
from engine.core.placement import Channel, Slot
from engine.core.reading import plain, read
from engine.core.variant import Variant

EMAIL, SMS = ChannelId("email"), ChannelId("sms")
A, B, C = b"a" * 16, b"b" * 16, b"c" * 16


def campaign(**settings: object) -> Campaign:
    texts = {EMAIL: {"subject": "x"}, SMS: {"text": "x"}}
    made = Campaign(
        "c", (Channel(EMAIL), Channel(SMS)), (Slot(SlotId("now")),), variants=(Variant(VariantId("v"), channels=texts),)
    )
    return replace(made, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"most": 0, "within_s": 60.0}, "most"),
        ({"most": 256, "within_s": 60.0}, "most"),
        ({"most": 1, "within_s": 0.5}, "within_s"),
        ({"most": 1, "within_s": float("nan")}, "within_s"),
        ({"most": 1, "within_s": 401 * 86_400.0}, "within_s"),
        ({"most": 1, "within_s": 60.0, "channel": "hold"}, "channel"),
    ],
)
def test_wrong_caps_name_their_field(settings, field):
    with pytest.raises(InvalidInput, match=field):
        FrequencyCap(**settings)


def test_caps_that_cannot_stand_together():
    cap = FrequencyCap(1, 60.0)
    with pytest.raises(ConfigError, match=r"caps\[1\]"):
        checked_caps((cap, cap))
    with pytest.raises(ConfigError, match="at most 8, got 9"):
        checked_caps([FrequencyCap(n, 60.0) for n in range(1, 10)])
    with pytest.raises(ConfigError, match="'push' is not a channel"):
        campaign(caps=(FrequencyCap(1, 60.0, ChannelId("push")),))


def test_a_campaign_stored_before_there_were_caps_is_read_and_caps_change_no_catalogue():
    capped = campaign(caps=(FrequencyCap(2, 60.0), FrequencyCap(1, 3600.0, SMS)))
    stored = plain(campaign())
    del stored["caps"]
    assert read(Campaign, stored) == campaign()
    assert read(Campaign, plain(capped)) == capped
    assert capped.catalogue().digest == campaign().catalogue().digest


def test_a_window_ends_exactly_after_its_seconds():
    windows = CapWindows([FrequencyCap(1, 60.0)])
    row = [windows.item(1000.0, A)]
    assert [windows.reached(row, at) for at in (1000.0, 1059.9375, 1060.0)] == [1, 1, 0]


def test_rounding_never_ends_a_window_early():
    windows = CapWindows([FrequencyCap(1, 1.0)])
    for sent in np.linspace(1000.0, 1000.2, 41).tolist():
        row = [windows.item(sent, A)]
        assert windows.reached(row, sent + 0.9999) == 1
        assert windows.reached(row, sent + 1.125) == 0


def test_several_caps_over_one_row():
    windows = CapWindows([FrequencyCap(2, 10.0), FrequencyCap(3, 100.0)])
    items = [windows.item(at, id) for at, id in ((1000.0, A), (1095.0, B), (1096.0, C))]
    row = [*items[1:], *items]
    assert windows.spans == ((0, 2), (2, 5))
    assert (windows.width, windows.longest_s) == (5, 100.0)
    assert windows.reached(row, 1099.0) == 0b11
    assert windows.reached(row, 1100.0) == 0b01, "the first send is past for the long cap"
    assert windows.reached(row, 1105.0) == 0b00
    assert not windows.is_past(row, 1195.9)
    assert windows.is_past(row, 1196.0)
    assert windows.reached_rows(np.array([row, row]), np.array([1099.0, 1100.0])).tolist() == [0b11, 0b01]


def test_a_send_of_the_future_counts_as_when_a_clock_steps_back():
    windows = CapWindows([FrequencyCap(1, 10.0)])
    assert windows.reached([windows.item(1000.0, A)], 900.0) == 1


def test_nothing_is_reached_near_the_beginning_of_time():
    windows = CapWindows([FrequencyCap(1, 10.0)])
    assert windows.reached([0], 0.0) == 0
    assert windows.reached_rows(np.zeros((1, 1), np.int64), np.array([0.0])).tolist() == [0]
    assert windows.reached([windows.item(0.0, A)], 1.0) == 1


def test_items_alone_and_together_are_the_same():
    windows = CapWindows([FrequencyCap(1, 10.0)])
    ids = [bytes(range(i, i + 16)) for i in range(200, 206)]
    at = [0.0, 0.01, 1.0, 1.75e9, 1.75e9 + 1e-6, 1.75e9 + 0.0625]
    many = windows.items(np.array(at), np.frombuffer(b"".join(ids), np.uint8).reshape(-1, 16)).tolist()
    assert many == [windows.item(a, i) for a, i in zip(at, ids, strict=True)]
    assert many[3] == (1_750_000_000 * 16) << 24 | 203 | 204 << 8 | 205 << 16


def test_caps_leave_out_their_arms_with_the_first_reason():
    made = campaign(caps=(FrequencyCap(1, 60.0, SMS), FrequencyCap(3, 60.0)))
    arms = CappedArms(made.catalogue(), made.caps, (FrequencyCap(9, 60.0), FrequencyCap(2, 60.0, EMAIL)))
    assert made.catalogue().ids == ("hold", "v/email/now", "v/sms/now")
    assert arms.masks.tolist() == [0, 0b1110, 0b0111]
    reason = [None, *arms.reasons]
    why = {bits: [reason[code] for code in codes] for bits in range(1, 16) if (codes := arms.codes(bits)) is not None}
    assert arms.codes(0) is None
    assert why[0b0001] == [None, None, "channel_cap"]
    assert why[0b0010] == [None, "campaign_cap", "campaign_cap"]
    assert why[0b0011] == [None, "campaign_cap", "channel_cap"]
    assert why[0b0100] == [None, "shop_cap", "shop_cap"]
    assert why[0b1000] == [None, "shop_cap", None]
    assert why[0b1001] == [None, "shop_cap", "channel_cap"]


def test_a_cap_of_a_channel_that_a_campaign_has_not_leaves_nothing_out():
    made = campaign()
    arms = CappedArms(made.catalogue(), (), (FrequencyCap(1, 60.0, ChannelId("push")),))
    assert arms.codes(1) is None
    assert not arms.masks.any()
