"""A shop whose shoppers' interests, hours and price sensitivity are planted, so that they can be looked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from engine.profiles import Events, Product, Products
from engine.profiles.content import ContentModel
from generators.needs import Needs, NeedsAnalysis, NeedsSettings

WORDS = {
    ("Drinks", "Green tea"): "sencha matcha gyokuro",
    ("Drinks", "Coffee"): "espresso arabica robusta",
    ("Garden", "Bulbs"): "tulip narcissus crocus",
    ("Garden", "Tools"): "spade shears rake",
    ("Sports", "Running shoes"): "jogging sole trainer",
    ("Sports", "Yoga"): "mat block strap",
}
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 180
PRESENT = START + timedelta(days=DAYS)


@dataclass(frozen=True, slots=True)
class Planted:
    """What is true of a shopper."""

    interest: str
    hour: float
    sensitive: bool


@dataclass(frozen=True, slots=True)
class Shop:
    """The shop, and the truth."""

    products: Products
    content: ContentModel
    events: Events
    truth: dict[str, Planted]


def _catalogue() -> Products:
    rows = []
    for number, (levels, words) in enumerate(WORDS.items()):
        for item in range(9):
            word = words.split()[item % 3]
            rows.append(Product(f"p{number}{item}", f"{word} {levels[1]} {item}", levels, "", 10.0 + 5.0 * item))
    return Products.of(rows)


@pytest.fixture(scope="session")
def shop() -> Shop:
    rng = np.random.default_rng(3)
    products = _catalogue()
    content = ContentModel.fit(products.texts(), 16, 0, np.ones(len(products)))
    by_topic = {levels[1]: [p for p in products if p.levels == levels] for levels in WORDS}
    names = list(by_topic)
    truth, rows = {}, []
    for number in range(48):
        user = f"shopper-{number:02d}"
        one = Planted(names[number % 6], float(rng.choice([8.0, 13.0, 21.5])), bool(number % 2 == (number // 6) % 2))
        truth[user] = one
        for _ in range(40):
            topic = one.interest if rng.random() < 0.5 else names[rng.integers(6)]
            sold = by_topic[topic]
            # Who is sensitive takes the cheap half, and mostly on discount.
            item = sold[int(rng.integers(0, 5) if one.sensitive else rng.integers(4, 9))]
            kind = str(rng.choice(["view", "cart", "purchase"], p=[0.4, 0.1, 0.5]))
            off = 0.8 if rng.random() < (0.7 if one.sensitive else 0.1) else 1.0
            hour = (one.hour + rng.vonmises(0.0, 8.0) * 24.0 / (2.0 * np.pi)) % 24.0
            at = START + timedelta(days=int(rng.integers(0, DAYS)), hours=hour)
            paid = (item.price or 0.0) * off if kind == "purchase" else None
            rows.append((user, item.id, kind, at, 1.0, paid, None))
        word = WORDS[next(levels for levels in WORDS if levels[1] == one.interest)].split()[0]
        rows.append(
            (user, None, "search", START + timedelta(days=170, hours=one.hour), 1.0, None, f"{word} for my mother")
        )
    return Shop(products, content, Events.of_rows(rows), truth)


@pytest.fixture(scope="session")
def analysis(shop: Shop) -> NeedsAnalysis:
    return NeedsAnalysis(shop.events, shop.products, shop.content.vectors, NeedsSettings(), present=PRESENT)


@pytest.fixture(scope="session")
def told(analysis: NeedsAnalysis, shop: Shop) -> dict[str, Needs]:
    return {user: analysis.shopper(user) for user in shop.truth}
