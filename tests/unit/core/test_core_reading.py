from datetime import UTC, datetime
from typing import Any

import pytest

from engine.core.campaign import Campaign, Publishing, Shares
from engine.core.errors import ConfigError, InvalidInput
from engine.core.objective import Objective
from engine.core.outcome import Outcome, OutcomeType
from engine.core.reading import plain, read

BASE: dict[str, Any] = {
    "id": "c",
    "channels": [{"id": "email"}],
    "slots": [{"id": "now"}, {"id": "late", "delay_s": 60}],
}


def test_round_trip() -> None:
    settings = {
        **BASE,
        "schema": {"dimension": 2, "attributes": {"age": {"kind": "number", "low": 0, "high": 9}}},
        "variants": [
            {
                "id": "v",
                "state": "approved",
                "channels": {"email": {"subject": "S"}},
                "offer": {"percent": 5, "free": True, "code": "X"},
                "audience": {"age": [1, 2.5]},
                "embedding": [0.25, -1],
                "provenance": {"brief": {"id": 3, "words": ["a"]}, "none": None},
            }
        ],
        "exploration": {"kind": "softmax", "lambda": 4, "floor": {"total": 0.1}},
        "windows_s": {"click": 30},
        "starts_at": "2026-01-01T01:00:00+01:00",
    }
    found = read(Campaign, settings)
    assert found.exploration.lambda_ == 4.0
    assert found.starts_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert found.variants[0].offer == {"percent": 5.0, "free": True, "code": "X"}
    assert read(Campaign, plain(found)) == found
    assert plain(found)["exploration"]["lambda"] == 4.0


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"objectve": {}}, "objectve", "unknown key; the nearest known key is 'objective'"),
        ({"exploration": {"lamda": 1.0}}, "exploration.lamda", "'lambda'"),
        ({"exploration": {"lambda_": 1.0}}, "exploration.lambda_", "'lambda'"),
        ({"channels": [{"id": "email"}, {"name": "x"}]}, "channels[1].name", "unknown key"),
        ({"slots": [{"delay_s": 1.0}]}, "slots[0].id", "missing"),
        ({"channels": "email"}, "channels", "expected a list, got a string"),
        ({"slots": [{"id": "x", "delay_s": "1"}]}, "slots[0].delay_s", "expected a number, got a string"),
        ({"slots": [{"id": "x", "delay_s": True}]}, "slots[0].delay_s", "got true/false"),
        ({"paused": 1}, "paused", "expected true or false"),
        ({"attribution": "first"}, "attribution", "expected one of 'last', 'all', got 'first'"),
        ({"windows_s": {"clicks": 1.0}}, "windows_s", "click"),
        ({"windows_s": {"click": 0.0}}, "", "windows_s.click: expected seconds above 0"),
        ({"starts_at": "2026-01-01T00:00:00"}, "starts_at", "with its zone"),
        ({"starts_at": "soon"}, "starts_at", "RFC 3339"),
        ({"variants": [{"id": "v", "state": "live"}]}, "variants[0].state", "draft"),
        ({"publishing": {"every_decisions": 1.5}}, "publishing.every_decisions", "whole number"),
        ({"schema": 3}, "schema", "expected a table of Schema"),
        ({"id": "a b"}, "", "campaign.id"),
        ({"channels": []}, "", "at least one channel"),
        ({"slots": []}, "", "at least one channel and one slot"),
        ({"channels": [{"id": "x"}, {"id": "x"}]}, "", "stands twice"),
        ({"audience": {"age": [1.0]}}, "", "not an attribute of the schema"),
        ({"starts_at": "2026-01-02T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}, "", "ends_at"),
        ({"exploration": {"kind": "constant", "arm": "x/y/z"}}, "", "unknown arm"),
        ({"learning": {"extra": ["--bag 5"]}}, "learning", "keeps several models"),
        ({"learning": {"interactions": ["UXV"]}}, "learning", "UXV"),
    ],
)
def test_wrong_campaigns_name_file_and_field(changes: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(Campaign, {**BASE, **changes}, file="promo.toml")
    assert caught.value.file == "promo.toml"
    assert words in str(caught.value)
    if field:
        assert caught.value.field.startswith(field)
        assert str(caught.value).startswith(f"promo.toml: {field}")


def test_campaign_without_id() -> None:
    with pytest.raises(ConfigError, match="id: missing"):
        read(Campaign, {key: value for key, value in BASE.items() if key != "id"})


def test_horizons_are_the_same_for_all_arms() -> None:
    found = read(Campaign, {**BASE, "windows_s": {"click": 30.0}})
    assert found.horizon_s(OutcomeType.CLICK) == 90.0
    assert found.horizon_s(OutcomeType.PURCHASE) == 7 * 86_400 + 60
    assert found.training_horizon_s == 90.0
    money = read(Campaign, {**BASE, "objective": {"weights": {"conversion": 1.0, "click": 0.1}}})
    assert money.training_horizon_s == money.horizon_s(OutcomeType.PURCHASE)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Shares(holdout=1.0),
        lambda: Shares(control=-0.1),
        lambda: Publishing(every_decisions=0),
        lambda: Publishing(keep=1),
        lambda: Objective(weights={}),
        lambda: Objective(weights={"likes": 1.0}),
        lambda: Objective(weights={"click": float("nan")}),
        lambda: Objective(low=1.0, high=1.0),
        lambda: Objective(high=float("inf")),
        lambda: Objective(typical=0.0),
        lambda: Objective(typical=1.1),
    ],
)
def test_numbers_out_of_range(bad: Any) -> None:
    with pytest.raises(ConfigError):
        bad()


def outcome(kind: OutcomeType, value: float = 1.0) -> Outcome:
    return Outcome(f"{kind}-{value}", "c", kind, datetime(2026, 1, 1, tzinfo=UTC), value, decision_id="d")


def test_objective_by_hand() -> None:
    weights = {"click": 0.5, "conversion": 2.0, "purchase": 0.3, "refund": -0.3, "cost": -1.0, "unsubscribe": -4.0}
    objective = Objective(weights, low=-5.0, high=15.0, typical=0.5)
    outcomes = [
        outcome(OutcomeType.CLICK),
        outcome(OutcomeType.CLICK),
        outcome(OutcomeType.PURCHASE, 20.0),
        outcome(OutcomeType.PURCHASE, 10.0),
        outcome(OutcomeType.REFUND, 5.0),
        outcome(OutcomeType.COST, 0.25),
        outcome(OutcomeType.NOT_SENT, 99.0),
    ]
    reward = 0.5 + 2.0 + 0.3 * 30 - 0.3 * 5 - 0.25
    assert objective.reward(outcomes) == pytest.approx(reward)
    assert objective.cost(reward) == pytest.approx((15 - reward) / 20)
    assert objective.cost(1e9) == 0.0
    assert objective.cost(-1e9) == 1.0
    assert objective.resting_cost == 0.75
    assert objective.spread == 0.025
    assert objective.reward([outcome(OutcomeType.UNSUBSCRIBE)]) == -4.0
    assert objective.reward([]) == 0.0


def test_comments_add_their_moods() -> None:
    objective = Objective({"click": 1.0, "comment": 0.5}, low=-1.0, high=2.0)
    moods = [outcome(OutcomeType.COMMENT, -0.75), outcome(OutcomeType.COMMENT, 0.25), outcome(OutcomeType.CLICK)]
    assert objective.reward(moods) == pytest.approx(1.0 + 0.5 * (-0.75 + 0.25))
    assert Objective({"click": 1.0}).reward(moods) == 1.0
    assert objective.cost(objective.reward([outcome(OutcomeType.COMMENT, -1.0)])) > objective.resting_cost


@pytest.mark.parametrize("value", [1.01, -1.01, float("nan"), float("inf")])
def test_a_mood_is_within_one(value: float) -> None:
    with pytest.raises(InvalidInput, match="value"):
        outcome(OutcomeType.COMMENT, value)
