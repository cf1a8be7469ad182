"""The closed forms against Monte Carlo over the very reactions that a run draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.core.objective import TERMS, Objective
from engine.core.outcome import OutcomeType
from simulator.shop import PRESETS, Scenario, Shop
from simulator.shop.basket import Basket
from simulator.shop.reactions import Reaction
from simulator.shop.response import Response
from simulator.shop.selling import ShopperFacts
from simulator.shop.stream import LUCK


def _lively(**changes: object) -> Scenario:
    """A shop where every kind of outcome is frequent, so that a small sample can tell."""
    scenario = replace(
        PRESETS["money"],
        decisions=50,
        shoppers=ShopperFacts(users=20, organic_per_day=0.2),
        response=Response(base_click=0.4, buy_after_click=0.4, refund=0.4),
        channels=tuple(replace(channel, bounce=0.2, unsubscribe=0.1) for channel in PRESETS["money"].channels),
    )
    return replace(scenario, **changes)  # type: ignore[arg-type]


def _terms(reactions: list[Reaction], organic: list[float]) -> dict[str, float]:
    kinds = [reaction.type for reaction in reactions]
    spent = [reaction.value for reaction in reactions if reaction.type is OutcomeType.PURCHASE]
    return {
        "click": float(OutcomeType.CLICK in kinds),
        "conversion": float(bool(spent or organic)),
        "purchase": sum(spent) + sum(organic),
        "refund": sum(r.value for r in reactions if r.type is OutcomeType.REFUND),
        "cost": sum(r.value for r in reactions if r.type is OutcomeType.COST),
        "unsubscribe": float(OutcomeType.UNSUBSCRIBE in kinds),
        "comment": sum(r.value for r in reactions if r.type is OutcomeType.COMMENT),
    }


@pytest.mark.parametrize("arm", [0, 1, 24, 48])
def test_expected_reward_of_every_term_is_what_reactions_average_to(arm: int) -> None:
    shop = Shop.open(_lively(), seed=3)
    user, runs, exposed = 7, 20_000, 40_000.0
    rng = np.random.default_rng([11, arm])
    click = float(shop.truth.click(np.array([user]))[0, arm])
    buy = float(shop.truth.buy(np.array([user]))[0, arm])
    drawn: dict[str, list[float]] = {term: [] for term in TERMS}
    median = float(shop.population.basket_median[user])
    for luck in rng.uniform(1e-12, 1.0, (runs, len(LUCK))):
        reactions = list(shop.reactions.of(user, arm, 0.0, luck, click, buy))
        organic = rng.uniform(1e-12, 1.0, rng.poisson(shop.population.organic_per_s[user] * exposed))
        terms = _terms(reactions, [float(v) for v in shop.truth.basket.value(median, organic)])
        for term, value in terms.items():
            drawn[term].append(value)
    for term, values in drawn.items():
        # The objective's own bounds do not enter: what is expected is the reward before the cut.
        objective = Objective(weights={term: 1.0}, low=-1.0, high=1.0, typical=0.5)
        expected = shop.truth.expected(objective, np.array([user]), np.array([exposed]))[0, arm]
        error = np.std(values) / np.sqrt(runs)
        assert abs(np.mean(values) - expected) <= 4.0 * error + 1e-12, term


def test_hold_leads_to_nothing_but_what_comes_unprompted() -> None:
    shop = Shop.open(_lively(), seed=3)
    users = np.arange(20)
    assert list(shop.reactions.of(0, 0, 0.0, np.full(len(LUCK), 1e-9), 1.0, 1.0)) == []
    money = Objective(weights={"purchase": 1.0, "cost": -1.0}, low=-1.0, high=1.0, typical=0.5)
    exposed = np.full(20, 1000.0)
    held = shop.truth.expected(money, users, exposed)[:, 0]
    mean = shop.truth.basket.mean(shop.population.basket_median[users])
    np.testing.assert_allclose(held, shop.population.organic_per_s[users] * 1000.0 * mean)


@pytest.mark.parametrize("rate", [0.005, 0.05, 0.4])
def test_base_click_rate_is_met(rate: float) -> None:
    shop = Shop.open(replace(PRESETS["promo"], decisions=1, response=Response(base_click=rate)), seed=1)
    users = np.arange(shop.scenario.shoppers.users)
    assert shop.truth.click(users)[:, 1:].mean() == pytest.approx(rate, rel=0.1)


def test_reactions_happen_in_order_within_their_horizons() -> None:
    shop = Shop.open(_lively(), seed=5)
    rng = np.random.default_rng(0)
    at = 1000.0
    seen = set()
    for luck in rng.uniform(1e-12, 1.0, (3000, len(LUCK))):
        happened = {r.type: r for r in shop.reactions.of(3, 10, at, luck, 0.9, 0.9)}
        seen |= set(happened)
        for kind, reaction in happened.items():
            assert at <= reaction.at <= at + shop.reactions.horizons_s[kind]
        chain = [happened[k].at for k in (OutcomeType.CLICK, OutcomeType.PURCHASE, OutcomeType.REFUND) if k in happened]
        assert chain == sorted(chain)
        assert not (OutcomeType.NOT_SENT in happened and len(happened) > 1)
    assert seen == set(OutcomeType) - {OutcomeType.COMMENT}


def test_basket_mean_is_the_capped_log_normal_mean() -> None:
    basket = Basket(sigma=0.8, cap=60.0)
    uniforms = (np.arange(200_000) + 0.5) / 200_000
    for median in (5.0, 40.0, 55.0):
        assert basket.mean(np.array([median]))[0] == pytest.approx(basket.value(median, uniforms).mean(), rel=1e-4)


def test_discounts_sell_but_cost_basket() -> None:
    shop = Shop.open(replace(PRESETS["money"], decisions=1), seed=2)
    deep = shop.truth.appeal.discount.argmax()
    assert shop.truth.appeal.discount[deep] > 0
    of_deep = shop.truth.variant == deep
    np.testing.assert_allclose(shop.truth.paid[of_deep], 1.0 - shop.truth.appeal.discount[deep])
    assert shop.truth.paid[0] == 1.0
