"""Briefs say what the needs say, and no more than the campaign allows."""

import json
from dataclasses import replace

import pytest

from engine.core.errors import InvalidInput
from generators.brief import Brief
from generators.brief_file import read_briefs
from generators.brief_plain import brief_plain
from generators.needs import Campaign, brief_for, briefs_for
from generators.needs.stage import Cycle
from generators.offer import Offer, OfferKind
from generators.product import Product

PERCENT = Offer(OfferKind.PERCENT, percent=20, code="TEA20")


@pytest.fixture
def feed(shop):
    return {
        product.id: Brief(
            product.id, Product(product.title, round((product.price or 1) * 100), "USD", category=product.levels[1])
        )
        for product in shop.products
    }


def sensitive(shop, yes):
    return next(user for user, truth in shop.truth.items() if truth.sensitive is yes)


def test_only_the_price_sensitive_get_the_offer(shop, analysis, told, feed):
    campaign = Campaign(feed, PERCENT)
    cheap = briefs_for(told[sensitive(shop, True)], analysis, campaign, {})
    dear = briefs_for(told[sensitive(shop, False)], analysis, campaign, {})
    assert cheap[0].brief.offer == PERCENT
    assert dear[0].brief.offer == Offer()
    assert cheap[0].evidence["offer"]["why"] == "price-sensitive"


def test_a_markdown_is_the_products_own(shop, analysis, told, feed):
    user = sensitive(shop, True)
    item = next(iter(briefs_for(told[user], analysis, Campaign(feed), {}))).evidence["product"]["id"]
    interest = told[user].interests[0]
    campaign = Campaign(feed, Offer(OfferKind.MARKDOWN))
    assert brief_for(told[user], interest, item, campaign).brief.offer.kind is OfferKind.NONE
    product = replace(feed[item].product, list_price_minor=feed[item].product.price_minor * 2)
    marked = replace(feed[item], product=product, offer=Offer(OfferKind.MARKDOWN))
    found = brief_for(told[user], interest, item, replace(campaign, products={item: marked}))
    assert (found.brief.offer.kind, found.brief.percent) == (OfferKind.MARKDOWN, 50)


def test_the_product_is_of_the_interest_and_not_bought_lately(shop, analysis, told, feed):
    for needs in list(told.values())[:12]:
        for found in briefs_for(needs, analysis, Campaign(feed, per_interest=2), {}):
            item, row = found.evidence["product"]["id"], found.evidence["interest"]
            assert analysis.topics.named[analysis.topics.items[item]].name == row["name"]
            if row["stage"]["name"] not in ("due", "lapsed"):
                assert item not in analysis.bought_since(needs.name, 30.0)


def test_the_best_suited_comes_first(analysis, told, feed):
    needs = told["shopper-00"]
    first = briefs_for(needs, analysis, Campaign(feed), {})[0].evidence["product"]["id"]
    topic = analysis.topics.items[first]
    lately = analysis.bought_since("shopper-00", 60.0)
    other = next(item for item in feed if analysis.topics.items[item] == topic and item not in lately and item != first)
    assert briefs_for(needs, analysis, Campaign(feed), {other: 5.0})[0].evidence["product"]["id"] == other


def test_a_feed_with_other_ids_is_placed_by_its_words(analysis, told, feed):
    renamed = {f"new-{item}": replace(brief, id=f"new-{item}") for item, brief in feed.items()}
    needs = told["shopper-00"]
    found = briefs_for(needs, analysis, Campaign(renamed), {})
    assert found[0].evidence["interest"]["name"].endswith(found[0].brief.product.category)


def test_briefs_are_read_back_as_they_are(tmp_path, analysis, told, feed):
    found = briefs_for(told["shopper-01"], analysis, Campaign(feed, PERCENT, "zh", ("sms",)), {})
    path = tmp_path / "briefs.jsonl"
    path.write_text("".join(json.dumps(brief_plain(item.brief)) + "\n" for item in found), encoding="utf-8")
    assert read_briefs(path) == [item.brief for item in found]
    assert all("shopper" not in json.dumps(brief_plain(i.brief)["audience"]) for i in found)


def test_a_segments_brief_is_for_the_segment(analysis, shop, feed):
    users = [user for user, truth in shop.truth.items() if truth.interest == "Bulbs"]
    needs = analysis.segment("gardeners", users)
    found = briefs_for(needs, analysis, Campaign(feed), {})
    assert found[0].brief.audience == {"segment": ("gardeners",)}
    assert found[0].brief.id.startswith("gardeners.garden-bulbs.")


def test_offers_of_other_kinds_are_refused(feed):
    with pytest.raises(InvalidInput, match="--offer"):
        Campaign(feed, Offer(OfferKind.FREE_SHIPPING))


def test_what_is_due_may_be_offered_again(shop, analysis, told, feed):
    needs = told["shopper-00"]
    interest = needs.interests[0]
    lately = analysis.bought_since("shopper-00", 90.0)
    item = next(i for i in lately if analysis.topics.items[i] == analysis.topics.named.index(interest.topic))
    campaign = Campaign({item: feed[item]})

    def offered(stage):
        changed = replace(interest, stage=replace(interest.stage, name=stage, cycle=Cycle(90.0, "shopper")))
        return briefs_for(replace(needs, interests=(changed,)), analysis, campaign, {})

    assert [len(offered(stage)) for stage in ("bought", "browsing", "due")] == [0, 0, 1]
    assert offered("due")[0].brief.tone == "plain"


def test_briefs_of_one_id_are_the_same(analysis, told, feed):
    campaign = Campaign(feed, PERCENT)
    by_id = {}
    for needs in told.values():
        for found in briefs_for(needs, analysis, campaign, {}):
            assert by_id.setdefault(found.brief.id, found.brief) == found.brief
    offers = {(brief.offer.kind, brief.audience["price_sensitivity"]) for brief in by_id.values()}
    assert offers == {(OfferKind.PERCENT, ("high",)), (OfferKind.NONE, ("low", "average", "unknown"))}


def test_long_ids_stay_apart(analysis, told, feed):
    long = {f"{'x' * 75}{item}": replace(brief, id="x" * 75 + item) for item, brief in feed.items()}
    found = briefs_for(told["shopper-00"], analysis, Campaign(long, per_interest=3), {})
    assert len({item.brief.id for item in found}) == len(found) > 1
    assert all(len(item.brief.id) <= 80 for item in found)


def test_what_is_offered_is_of_the_kind_that_the_interest_is_called_by(analysis, told, feed):
    needs = told["shopper-00"]
    first = needs.interests[0]
    assert briefs_for(replace(needs, interests=(first,)), analysis, Campaign(feed), {})
    # A product of the same topic with another label.
    topic = next(topic for topic in analysis.topics.named if topic == first.topic)
    assert not analysis.bears_name(next(iter(feed)), replace(topic, labels=("Rugs",)))
    assert analysis.bears_name("not in the catalogue", topic)
