"""Small cases that are counted by hand."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import vonmises

from engine.core.errors import ConfigError
from engine.profiles import Events, Product, Products
from generators.needs import NeedsSettings
from generators.needs.hours import HourModel
from generators.needs.intent import IntentModel
from generators.needs.price import PriceModel
from generators.needs.segment_shares import segment_shares, segment_trends
from generators.needs.shares import ShareModel, effective
from generators.needs.stage import shop_cycles, stage
from generators.needs.topic_names import name_groups
from generators.needs.touches import tallies, touches
from generators.needs.trend import trends

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Two:
    """Topics of two products and no texts."""

    def __init__(self):
        self.items = {"a": 0, "b": 1}

    def of_texts(self, texts):
        return np.full(len(texts), -1, dtype=np.int64)


def touched(*rows, settings=None):
    events = Events.of_rows([(user, item, kind, at, 1.0, None, None) for user, item, kind, at in rows])
    return touches(events.frame(), Two(), settings or NeedsSettings())


def test_the_posterior_is_the_beta_distribution():
    model = ShareModel(np.array([0.5, 0.5]), 2.0, 10)
    found = model.posterior(np.array([0]), np.array([3.0]), 3.0)
    # Beta(1 + 3, 1): mean 4/5, and P(share > 1/2) = 1 − (1/2)⁴.
    assert found.share[0] == pytest.approx(0.8)
    assert found.confidence[0] == pytest.approx(1 - 0.5**4)
    assert found.low[0] == pytest.approx(0.05**0.25)


def test_strength_and_base_are_recovered():
    rng = np.random.default_rng(0)
    base, rows = np.array([0.5, 0.3, 0.2]), []
    for user in range(600):
        counts = rng.multinomial(30, rng.dirichlet(12.0 * base))
        rows += [(f"{user:03d}", topic, float(n), float(n)) for topic, n in enumerate(counts) if n]
    table = pl.DataFrame(rows, schema=["user", "topic", "weight", "weight_2"], orient="row")
    model = ShareModel.fit(table, 3)
    assert model.base == pytest.approx(base, abs=0.02)
    assert 10.0 < model.strength < 14.5


def test_old_touches_count_as_fewer():
    settings = NeedsSettings(half_life_days=10.0)
    rows = touched(("u", "a", "purchase", T0), ("u", "b", "purchase", T0 - timedelta(days=10)), settings=settings)
    counts = effective(tallies(rows, T0 + timedelta(seconds=1), settings)).sort("topic")
    # Weights 1 and 1/2: (3/2)² / (5/4) = 9/5 touches, a third of them in b.
    assert counts["total"].to_list() == pytest.approx([1.8, 1.8], rel=1e-4)
    assert counts["count"].to_list() == pytest.approx([1.2, 0.6], rel=1e-4)


def test_a_burst_on_one_day_is_one_touch():
    rows = touched(*[("u", "a", "view", T0 + timedelta(minutes=n)) for n in range(30)])
    assert rows.height == 1
    assert rows["times"].to_list() == [30]


def test_nothing_after_the_present_is_counted():
    rows = touched(("u", "a", "view", T0), ("u", "a", "purchase", T0 + timedelta(days=1)))
    assert tallies(rows, T0 + timedelta(hours=1), NeedsSettings())["purchases"].to_list() == [0]


@pytest.mark.parametrize(
    ("days_ago", "expected", "due"),
    [((30, 20, 10), "due", 10), ((25, 15, 5), "bought", 10), ((80, 70, 60), "lapsed", 10)],
)
def test_stage_follows_the_shoppers_own_cycle(days_ago, expected, due):
    rows = touched(*[("u", "a", "purchase", T0 - timedelta(days=ago)) for ago in days_ago])
    row = tallies(rows, T0, NeedsSettings()).row(0, named=True)
    found = stage(row, T0, {})
    last = (T0 - timedelta(days=days_ago[-1])).date()
    assert (found.name, found.cycle.days, found.cycle.of) == (expected, 10.0, "shopper")
    assert found.due == last + timedelta(days=due)


def test_a_cart_after_the_purchase_is_considering():
    rows = touched(("u", "a", "purchase", T0 - timedelta(days=9)), ("u", "a", "cart", T0 - timedelta(days=2)))
    found = stage(tallies(rows, T0, NeedsSettings()).row(0, named=True), T0, {0: 90.0})
    assert (found.name, found.cycle.of, found.due) == ("considering", "shop", date(2026, 5, 21))


def test_looks_are_browsing_until_the_third_day():
    two = [("u", "a", "view", T0 - timedelta(days=n)) for n in (1, 2)]
    three = [*two, ("u", "a", "view", T0 - timedelta(days=3))]
    settings = NeedsSettings()
    stages = [stage(tallies(touched(*rows), T0, settings).row(0, named=True), T0, {}) for rows in (two, three)]
    assert [found.name for found in stages] == ["browsing", "considering"]
    assert stages[0].cycle.reason == "nothing_bought"


def test_the_shops_cycle_needs_ten_who_come_back():
    def shoppers(count):
        return touched(*[
            (f"u{user}", "a", "purchase", T0 - timedelta(days=7 * n)) for user in range(count) for n in (1, 2, 3)
        ])  # fmt: skip

    assert shop_cycles(tallies(shoppers(9), T0, NeedsSettings())) == {}
    assert shop_cycles(tallies(shoppers(10), T0, NeedsSettings())) == {0: 7.0}


def test_trends_compare_shares_and_not_rates():
    growing, fading, steady, unknown = trends([(12, 2), (1, 30), (10, 12), (1, 0)], 40, 60)
    assert [t.direction for t in (growing, fading, steady, unknown)] == ["growing", "fading", "steady", "unknown"]
    assert growing.recent_share == pytest.approx(0.3)
    # Half as much of everything is no trend.
    assert [t.direction for t in trends([(10, 20), (10, 20)], 20, 40)] == ["steady", "steady"]


def test_chance_makes_few_trends():
    rng = np.random.default_rng(1)
    draws = [np.stack([rng.multinomial(n, [0.1] * 10) for n in (40, 60)], axis=1) for _ in range(100)]
    found = [trends([(int(now), int(before)) for now, before in draw], 40, 60) for draw in draws]
    wrong = sum(any(trend.direction in ("growing", "fading") for trend in one) for one in found)
    assert wrong <= 15


def test_names_are_the_narrowest_that_cover_half():
    levels = pl.DataFrame(
        {
            "level_1": ["Food"] * 4 + ["Home"] * 4,
            "level_2": ["Tea", "Tea", "Tea", "Rice", "Lamps", "Rugs", "Beds", "Sofas"],
        }
    )
    groups = np.array([0] * 4 + [1] * 4)
    tea, home = name_groups(groups, np.ones(8), levels)
    assert (tea.labels, tea.level, tea.coverage, tea.lift) == (("Tea",), 2, 0.75, pytest.approx(2.0))
    assert (home.labels, home.level) == (("Home",), 1)


def test_a_label_that_is_everywhere_names_nothing():
    levels = pl.DataFrame({"level_1": ["Shop"] * 4, "level_2": ["Tea", "Rice", "Lamps", "Rugs"]})
    first, _ = name_groups(np.array([0, 0, 1, 1]), np.ones(4), levels)
    assert (first.level, first.lift) == (2, pytest.approx(2.0))


def test_price_without_money_is_unknown_with_its_reason():
    products = Products.of([Product("a", "A", ("X",), "", None), Product("b", "B", ("X",), "", None)])
    model = PriceModel.fit(touched(("u", "a", "purchase", T0)), products)
    found = model.of(["u"])
    assert (found.index, found.level, found.reason) == (None, "unknown", "no_money")


def test_hours_of_a_night_owl_wrap_round_midnight():
    angles = vonmises.rvs(20.0, size=200, random_state=2)
    rows = [
        ("u", "a", "view", T0.replace(hour=0) + timedelta(days=n, hours=a * 12 / np.pi)) for n, a in enumerate(angles)
    ]
    model = HourModel.fit(Events.of_rows([(*row, 1.0, None, None) for row in rows]).frame(), "UTC")
    found = model.of(["u"])
    assert abs((found.mean_hour + 12) % 24 - 12) < 0.3
    # R of a von Mises distribution is I₁(κ) / I₀(κ) = 0.975 for κ = 20.
    assert found.concentration == pytest.approx(0.975, abs=0.01)
    assert found.slots[0].start in (22, 23)


def test_hours_follow_the_time_zone():
    frame = Events.of_rows(
        [("u", "a", "view", T0 + timedelta(days=n, minutes=n), 1.0, None, None) for n in range(9)]
    ).frame()
    found = HourModel.fit(frame, "Asia/Shanghai").of(["u"])
    assert found.mean_hour == pytest.approx(20.07, abs=0.05)


def test_days_without_hours_have_no_habits():
    midnight = T0.replace(hour=0)
    frame = Events.of_rows(
        [("u", "a", "view", midnight + timedelta(days=n), 1.0, None, None) for n in range(9)]
    ).frame()
    assert HourModel.fit(frame, "UTC").of(["u"]).reason == "no_hours"


def test_intent_needs_a_past():
    rows = touched(*[(f"u{n}", "a", "purchase", T0 - timedelta(days=n % 20)) for n in range(60)])
    model = IntentModel.fit(rows, T0, 2, NeedsSettings())
    assert (model.reason, model.predict(np.zeros((1, 11)))) == ("short_past", None)


def test_intent_learns_that_carts_are_followed_by_purchases():
    rng = np.random.default_rng(4)
    rows = []
    for number in range(300):
        for month in range(5):
            start = T0 - timedelta(days=30 * (5 - month))
            carted = rng.random() < 0.5
            rows.append((f"u{number:03d}", "a", "cart" if carted else "view", start + timedelta(days=29, hours=-1)))
            if rng.random() < (0.6 if carted else 0.1):
                rows.append((f"u{number:03d}", "a", "purchase", start + timedelta(days=35)))
    table = touched(*rows)
    settings = NeedsSettings(recent_days=10)
    from generators.needs.intent import features

    model = IntentModel.fit(table, T0, 2, settings)
    assert not model.reason
    tallied = tallies(table, T0, settings)
    chance = model.predict(features(tallied, ShareModel.fit(tallied, 2), shop_cycles(tallied), T0))
    carted = tallied["recent_carts"].to_numpy() > 0
    assert chance[carted].mean() == pytest.approx(0.6, abs=0.12)
    assert chance[~carted].mean() == pytest.approx(0.1, abs=0.1)


def test_few_members_say_little():
    base = np.array([0.5, 0.5])
    one = segment_shares(np.array([[1.0, 0.0]]), base, 0)
    many = segment_shares(np.tile([1.0, 0.0], (50, 1)), base, 0)
    assert one.share[0] == pytest.approx(0.75)
    assert one.low[0] < 0.6 < 0.9 < many.low[0]


def test_trends_of_segments_are_over_members():
    now, before = np.tile([8.0, 2.0], (20, 1)), np.tile([2.0, 8.0], (20, 1))
    now[::2] = [7.0, 3.0]
    assert [t.direction for t in segment_trends(now, before, [0, 1])] == ["growing", "fading"]
    assert segment_trends(now[:3], before[:3], [0])[0].direction == "unknown"


@pytest.mark.parametrize(
    ("field", "value"),
    [("half_life_days", 0.0), ("topics", 1), ("time_zone", "Mars/Olympus"), ("least_confidence", 1.0), ("weights", {})],
)
def test_wrong_settings_are_named(field, value):
    with pytest.raises(ConfigError) as error:
        NeedsSettings(**{field: value})
    assert error.value.field == field
