from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from engine.core.arm import ChannelId
from engine.core.campaign import Campaign
from engine.core.context import Context
from engine.core.errors import InvalidInput
from engine.core.reading import read
from engine.core.rules import Eligibility, Inquiry

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
BOTH = {"email": {"text": "e"}, "sms": {"text": "s"}}


def campaign(**changes: Any) -> Campaign:
    return read(
        Campaign,
        {
            "id": "c",
            "schema": {"attributes": {"tier": {"kind": "categorical", "vocabulary": ["gold", "tin"]}}},
            "channels": [{"id": "email"}, {"id": "sms", "needs_consent": True}],
            "slots": [{"id": "now"}, {"id": "later"}],
            "variants": [
                {"id": "yes", "state": "approved", "channels": BOTH},
                {"id": "gold", "state": "approved", "channels": BOTH, "audience": {"tier": ["gold"]}},
                {"id": "wip", "state": "draft", "channels": {"email": {"text": "e"}}},
            ],
            **changes,
        },
    )


def reasons(found: Campaign, *, at: datetime = AT, consents: Any = ("sms",), tier: str = "gold", **narrow: Any) -> Any:
    eligibility = Eligibility(found, found.catalogue())
    given = None if consents is None else frozenset(ChannelId(name) for name in consents)
    context = Context(np.zeros(0, dtype=np.float32), {"tier": tier} if tier else {}, given)
    eligible = eligibility.of(Inquiry(context, at, **narrow))
    excluded = {str(arm): reason for arm, reason in eligibility.excluded(eligible).items()}
    ids = found.catalogue().ids
    assert "hold" not in excluded, "nothing excludes hold"
    assert {arm for arm, keep in zip(ids, eligible.mask, strict=True) if keep} == set(ids) - set(excluded)
    return excluded


def test_everything_that_is_approved_and_agreed_to() -> None:
    assert reasons(campaign()) == {"wip/email/now": "variant_draft", "wip/email/later": "variant_draft"}


@pytest.mark.parametrize(
    ("changes", "at", "reason"),
    [
        ({"starts_at": AT.isoformat()}, AT - timedelta(microseconds=1), "campaign_not_started"),
        ({"starts_at": AT.isoformat()}, AT, None),
        ({"ends_at": AT.isoformat()}, AT - timedelta(microseconds=1), None),
        ({"ends_at": AT.isoformat()}, AT, "campaign_ended"),
        ({"paused": True}, AT, "campaign_paused"),
    ],
)
def test_dates_and_pause(changes: dict[str, Any], at: datetime, reason: str | None) -> None:
    found = reasons(campaign(**changes), at=at)
    assert found.get("yes/email/now") == reason
    if reason:
        assert set(found.values()) == {reason}
        assert len(found) == 10


@pytest.mark.parametrize("state", ["draft", "paused", "killed"])
def test_states_exclude_a_variant(state: str) -> None:
    found = reasons(campaign(variants=[{"id": "v", "state": state, "channels": BOTH}]))
    assert set(found.values()) == {f"variant_{state}"}
    assert len(found) == 4


@pytest.mark.parametrize("consents", [("sms",), ("sms", "email"), (), None])
def test_what_was_agreed_to_can_be_looked_up(consents: Any) -> None:
    given = None if consents is None else frozenset(ChannelId(name) for name in consents)
    inquiry = Inquiry(Context(np.zeros(0, np.float32), {}, given), AT)
    made = campaign()
    assert isinstance(hash(Eligibility(made, made.catalogue()).key(inquiry)), int)


@pytest.mark.parametrize(("consents", "allowed"), [(("sms",), True), ((), False), (None, False), (("email",), False)])
def test_consent_must_be_said(consents: Any, allowed: bool) -> None:
    found = reasons(campaign(), consents=consents)
    assert (found.get("yes/sms/now") == "no_consent") is not allowed
    assert "yes/email/now" not in found


@pytest.mark.parametrize(("tier", "reason"), [("gold", None), ("tin", "variant_audience"), ("", "variant_audience")])
def test_audience_of_a_variant(tier: str, reason: str | None) -> None:
    assert reasons(campaign(), tier=tier).get("gold/email/now") == reason
    assert "yes/email/now" not in reasons(campaign(), tier=tier)


def test_audience_of_the_campaign() -> None:
    meant = campaign(audience={"tier": ["gold"]}, variants=[{"id": "yes", "state": "approved", "channels": BOTH}])
    assert "yes/email/now" not in reasons(meant)
    assert set(reasons(meant, tier="tin").values()) == {"campaign_audience"}


def test_narrowing() -> None:
    found = reasons(campaign(), channels=("email",), slots=("now",), variants=("yes",))
    assert found["yes/sms/now"] == "channel_not_requested"
    assert found["yes/email/later"] == "slot_not_requested"
    assert found["gold/email/now"] == "variant_not_requested"
    assert "yes/email/now" not in found


@pytest.mark.parametrize("field", ["channels", "slots", "variants"])
def test_narrowing_to_the_unknown_names_the_field(field: str) -> None:
    with pytest.raises(InvalidInput, match="the campaign has") as caught:
        reasons(campaign(), **{field: ("nope",)})  # type: ignore[arg-type]
    assert caught.value.field == field


def test_the_first_rule_gives_the_reason() -> None:
    found = reasons(campaign(paused=True), consents=(), tier="tin", channels=("email",))
    assert set(found.values()) == {"campaign_paused"}
    found = reasons(campaign(), consents=(), tier="tin", channels=("email",))
    assert found["gold/sms/now"] == "variant_audience"
    assert found["yes/sms/now"] == "no_consent"


def test_rules_change_nothing_they_are_given() -> None:
    found = campaign()
    catalogue = found.catalogue()
    eligibility = Eligibility(found, catalogue)
    ask: Callable[[], Any] = lambda: eligibility.of(  # noqa: E731
        Inquiry(Context(np.zeros(0, dtype=np.float32), {}, frozenset()), AT, channels=("email",))
    )
    first = ask()
    kept = first.codes.copy()
    first.codes[:] = 99
    first.mask[:] = True
    assert np.array_equal(ask().codes, kept)
