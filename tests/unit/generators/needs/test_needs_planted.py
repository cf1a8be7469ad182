"""What was planted is found, and no more is claimed than the events say."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from engine.core.errors import FailedPrecondition, NotFound
from engine.profiles import Events, Products
from generators.needs import NeedsAnalysis, NeedsSettings

PRESENT = datetime(2026, 6, 30, tzinfo=UTC)


def test_topics_are_the_categories_of_the_catalogue(shop, analysis):
    assert {topic.labels for topic in analysis.topics.named} == {
        (levels[-1],) for levels in shop.products.frame().select("level_1", "level_2").unique().rows()
    }
    for item, topic in analysis.topics.items.items():
        assert analysis.topics.named[topic].labels == shop.products.get(item).levels[1:]


def test_the_planted_interest_is_the_surest(shop, told):
    for user, truth in shop.truth.items():
        interests = told[user].interests
        assert interests[0].topic.name.endswith(truth.interest)
        assert interests[0].confidence > 0.95
        assert interests[0].low < interests[0].share < interests[0].high
        assert interests[0].share > 1.7 * interests[0].base


def test_shares_hold_the_planted_share(told):
    # Half of the touches, and a sixth of the other half.
    inside = [one.interests[0].low < 0.5 + 0.5 / 6 < one.interests[0].high for one in told.values()]
    assert sum(inside) >= 0.75 * len(inside)


def test_hours_are_those_planted(shop, told):
    for user, truth in shop.truth.items():
        hours = told[user].hours
        assert abs((hours.mean_hour - truth.hour + 12.0) % 24.0 - 12.0) < 1.0
        assert hours.evenly < 1e-6
        assert sum(hours.by_hour) == pytest.approx(1.0)
        assert (truth.hour - hours.slots[0].start) % 24.0 < 3.5


def test_price_sensitivity_is_told_apart(shop, told):
    levels = {user: told[user].price.level for user in shop.truth}
    right = [levels[user] == ("high" if truth.sensitive else "low") for user, truth in shop.truth.items()]
    assert sum(right) >= 0.95 * len(right)


def test_catalogue_prices_are_the_usual_ones(shop, analysis):
    price = analysis.shopper("shopper-00").price
    bought = shop.events.where(users=["shopper-00"]).frame().filter(pl.col("type") == "purchase")
    off = [row["value"] < 0.95 * shop.products.get(row["item"]).price for row in bought.iter_rows(named=True)]
    assert price.usual == "catalogue"
    assert price.discount_share == pytest.approx(sum(off) / len(off))


def test_little_is_known_of_a_stranger_with_one_event(shop):
    one = shop.events.frame().filter(pl.col("user") == "shopper-00", pl.col("item").is_not_null()).head(1)
    few = one.with_columns(pl.lit("new").alias("user"))
    analysis = NeedsAnalysis(
        Events(pl.concat([shop.events.frame(), few])), shop.products, shop.content.vectors,
        NeedsSettings(least_confidence=0.0), present=PRESENT,
    )  # fmt: skip
    interest = analysis.shopper("new").interests[0]
    known = analysis.shopper("shopper-00").interests[0]
    assert abs(interest.share - interest.base) < 0.5 * (known.share - known.base)
    assert interest.high - interest.low > known.high - known.low
    assert interest.trend.direction == "unknown"


def test_a_few_events_are_shrunk_to_the_segment(shop, analysis):
    from generators.needs import Segment

    users = tuple(user for user, truth in shop.truth.items() if truth.interest == "Yoga")
    row = ("new", "p50", "view", PRESENT.replace(hour=0), 1.0, None, None)
    events = Events(pl.concat([shop.events.frame(), Events.of_rows([row]).frame()]))

    def confidence(groups):
        made = NeedsAnalysis(
            events, shop.products, shop.content.vectors, NeedsSettings(least_confidence=0.0), topics=analysis.topics,
            groups=groups,
        )  # fmt: skip
        return made.shopper("new").interests[0]

    alone, grouped = confidence(()), confidence((Segment("yoga", (*users, "new"), {}),))
    assert grouped.topic.name == alone.topic.name == "Sports: Yoga"
    assert grouped.share > 1.5 * alone.share
    assert grouped.confidence > alone.confidence


def test_what_was_searched_for_stays_private(shop, analysis):
    told = json.dumps(analysis.shopper("shopper-00").to_json(), ensure_ascii=False)
    assert "mother" not in told
    full = NeedsAnalysis(
        shop.events, shop.products, shop.content.vectors, NeedsSettings(most_evidence=20), present=PRESENT,
        topics=analysis.topics, full_evidence=True,
    )  # fmt: skip
    assert "sencha for my mother" in json.dumps(full.shopper("shopper-00").to_json(), ensure_ascii=False)
    assert "mother" not in json.dumps(full.segment("all", full.users()).to_json(), ensure_ascii=False)


def test_searches_count_for_the_topic_that_they_name(shop, analysis):
    rows = analysis.touched.of(["shopper-00"]).filter(pl.col("type") == "search")
    assert [analysis.topics.named[topic].labels for topic in rows["topic"]] == [("Green tea",)]


def test_the_same_seed_gives_the_same_needs(shop, analysis):
    again = NeedsAnalysis(shop.events, shop.products, shop.content.vectors, NeedsSettings(), present=PRESENT)
    assert again.shopper("shopper-05").to_json() == analysis.shopper("shopper-05").to_json()


def test_a_segment_cares_for_what_its_members_do(shop, analysis):
    users = [user for user, truth in shop.truth.items() if truth.interest == "Coffee"]
    found = analysis.segment("coffee", users)
    assert found.members == len(users)
    assert found.interests[0].topic.name.endswith("Coffee")
    assert found.interests[0].confidence > 0.99
    assert sum(found.interests[0].stages.values()) == len(users)
    assert all(item.shoppers >= 3 for interest in found.interests for item in interest.evidence)


def test_everybody_has_no_interest_above_everybody(analysis):
    assert analysis.segment("all", analysis.users()).interests == ()


def test_unknown_shoppers_are_an_error(analysis):
    with pytest.raises(NotFound, match="check the id"):
        analysis.shopper("nobody")
    with pytest.raises(NotFound, match="segment x"):
        analysis.segment("x", ["nobody"])


def test_without_categories_the_remedy_is_named(shop):
    bare = Products(shop.products.frame().drop("level_1", "level_2"))
    with pytest.raises(FailedPrecondition, match="--category"):
        NeedsAnalysis(shop.events, bare, shop.content.vectors)
