from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.shop import PRESETS, Shop
from simulator.shop.selling import ShopperFacts


def _shop(seed: int) -> Shop:
    scenario = replace(PRESETS["money"], decisions=400, shoppers=ShopperFacts(users=60, organic_per_day=0.3))
    return Shop.open(scenario, seed)


def test_one_seed_gives_one_world() -> None:
    one, two, other = _shop(4), _shop(4), _shop(5)
    for name in ("at", "user", "luck", "until_next", "organic_at", "organic_user"):
        np.testing.assert_array_equal(getattr(one.stream, name), getattr(two.stream, name))
    np.testing.assert_array_equal(one.expected(np.arange(400)), two.expected(np.arange(400)))
    assert one.catalogue.digest == two.catalogue.digest
    assert not np.array_equal(one.stream.at, other.stream.at)


def test_time_to_the_next_decision_is_that_of_the_same_shopper() -> None:
    stream = _shop(4).stream
    for i in range(len(stream.at)):
        later = [stream.at[j] for j in range(i + 1, len(stream.at)) if stream.user[j] == stream.user[i]]
        expected = later[0] - stream.at[i] if later else np.inf
        assert stream.until_next[i] == expected


def test_every_unprompted_purchase_is_credited_to_one_decision_at_most() -> None:
    shop = _shop(4)
    exposed = shop.exposed_s(np.arange(400))
    credited: list[int] = []
    for i in range(400):
        user, at = int(shop.stream.user[i]), float(shop.stream.at[i])
        credited += shop.stream.organic_between(user, at, at + float(exposed[i])).tolist()
    assert len(credited) == len(set(credited))
    assert 0 < len(credited) < len(shop.stream.organic_at)


def test_embeddings_are_noisy_views_of_unit_norm() -> None:
    people = _shop(4).population
    assert people.embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(people.embeddings, axis=1), 1.0, rtol=1e-6)
