"""Budget and stock: which arms are paid, counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.config import read_toml
from engine.core.arm import HOLD, ArmId, ChannelId, SlotId, VariantId
from engine.core.budget import Budget
from engine.core.campaign import Campaign
from engine.core.catalogue import Catalogue
from engine.core.errors import ConfigError, InvalidInput
from engine.core.limit import Limit
from engine.core.limits import Limits
from engine.core.placement import Channel, Slot
from engine.core.prices import Prices
from engine.core.purse import Purse
from engine.core.reading import plain, read
from engine.core.variant import Variant

EXAMPLE = Path(engine.__file__).parents[1] / "examples" / "campaign.toml"


BUDGET = Budget(100, 20)


def campaign(budget: Budget | None = BUDGET, a: int | None = 3, b: int | None = None) -> Campaign:
    texts = {ChannelId("email"): {"subject": "x"}, ChannelId("sms"): {"text": "x"}}
    return Campaign(
        "c",
        (Channel(ChannelId("email"), cost_minor=1), Channel(ChannelId("sms"), cost_minor=7)),
        (Slot(SlotId("now")),),
        variants=(
            Variant(VariantId("a"), channels=texts, stock=a),
            Variant(VariantId("b"), channels=texts, stock=b),
        ),
        budget=budget,
    )


def limits(*args: object, **kwargs: object) -> Limits:
    made = campaign(*args, **kwargs)  # type: ignore[arg-type]
    return Limits(made, made.catalogue())


# The arms in catalogue order: hold, a/email, a/sms, b/email, b/sms.
def codes(of: Limits, *remaining: int) -> list[int] | None:
    found = of.excluded(np.array(remaining, dtype=np.int64))
    return None if found is None else found.tolist()


def test_every_arm_has_its_cost_of_every_limit() -> None:
    of = limits(b=5)
    assert of.ids == ("budget", "stock:a", "stock:b")
    assert [of.costs(i).tolist() for i in range(3)] == [[0, 1, 7, 1, 7], [0, 1, 1, 0, 0], [0, 0, 0, 1, 1]]
    assert [of.charges(i) for i in range(5)] == [
        (), ((0, 1), (1, 1)), ((0, 7), (1, 1)), ((0, 1), (2, 1)), ((0, 7), (2, 1)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("remaining", "expected"),
    [
        ((7, 1), None),
        ((6, 1), [0, 0, 1, 0, 1]),
        ((0, 1), [0, 1, 1, 1, 1]),
        ((-9, 1), [0, 1, 1, 1, 1]),
        ((7, 0), [0, 2, 2, 0, 0]),
        ((6, -1), [0, 2, 1, 0, 1]),
    ],
)
def test_arms_that_cannot_be_paid_are_excluded_with_a_reason(
    remaining: tuple[int, ...], expected: list[int] | None
) -> None:
    assert codes(limits(), *remaining) == expected
    assert Limits.reasons == ("budget_exhausted", "stock_exhausted")


def test_what_costs_nothing_can_always_be_sent() -> None:
    made = campaign(Budget(10), a=None)
    free = Campaign("c", (Channel(ChannelId("email")),), made.slots, variants=made.variants[:1], budget=made.budget)
    of = Limits(free, free.catalogue())
    assert [codes(of, 0), codes(of, -5)] == [None, [0, 0]]


def test_without_limits_nothing_runs_out() -> None:
    of = limits(None, a=None)
    assert (len(of), codes(of), of.charges(4)) == (0, None, ())
    purse = Purse(of)
    assert purse.excluded() is None
    assert not purse.is_low()
    assert purse.take(4)
    assert purse.take_rows(np.array([1, 2, 0, 4])) == 4
    assert purse.rows_together(1000) == 1000
    assert len(limits().without_limits()) == 0


def test_stock_alone_and_budget_alone() -> None:
    assert codes(limits(None), 0) == [0, 2, 2, 0, 0]
    assert codes(limits(a=None), 3) == [0, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("remaining", "rows"),
    [((70, 100), 10), ((69, 100), 9), ((700, 4), 4), ((6, 3), 3), ((0, 3), 3), ((6, 0), 6), ((0, 0), 10)],
)
def test_rows_that_can_be_decided_together(remaining: tuple[int, int], rows: int) -> None:
    assert limits().rows_together(np.array(remaining), 10) == rows


@pytest.mark.parametrize(
    ("remaining", "chosen", "rows"),
    [
        ((14, 9), [4, 4, 3], 2),  # after two texts nothing is left
        ((15, 9), [4, 4, 3], 2),  # 1 is left: a text is excluded from the third row on
        ((21, 9), [4, 4, 3], 3),
        ((100, 2), [1, 0, 3, 1, 3], 4),  # the stock of a ends with the fourth row
        ((100, 2), [1, 0, 3, 3, 3], 5),
        ((4, 9), [1, 3, 0, 1, 3, 0, 0], 5),  # texts are excluded already; e-mails end after five
        ((0, 0), [0, 0], 2),
        ((7, 9), [], 0),
    ],
)
def test_rows_are_paid_up_to_where_the_exclusions_change(
    remaining: tuple[int, int], chosen: list[int], rows: int
) -> None:
    assert limits().payable(np.array(remaining), np.array(chosen, dtype=np.int64)) == rows


@given(
    st.integers(0, 60), st.integers(0, 8), st.integers(0, 8), st.lists(st.floats(0, 1, exclude_max=True), max_size=40)
)
def test_rows_in_batches_are_those_decided_one_by_one(money: int, a: int, b: int, draws: list[float]) -> None:
    of = limits(b=5)
    alone, batch = (Purse(of, np.array([money, a, b])) for _ in range(2))

    def drawn(purse: Purse, points: list[float]) -> np.ndarray:
        excluded = purse.excluded()
        arms = np.arange(5) if excluded is None else np.flatnonzero(excluded == 0)
        return np.array([arms[int(point * len(arms))] for point in points], dtype=np.int64)

    singly = []
    for point in draws:
        arm = int(drawn(alone, [point])[0])
        assert alone.take(arm)
        singly.append(arm)
    together: list[int] = []
    while len(together) < len(draws):
        chosen = drawn(batch, draws[len(together) :])
        rows = batch.take_rows(chosen)
        assert rows >= min(len(chosen), batch.rows_together(0) or 1)
        together += chosen[:rows].tolist()
    assert together == singly
    assert (batch.remaining == alone.remaining).all()
    assert (batch.remaining >= 0).all()
    assert (batch.spent + batch.remaining == [money, a, b]).all()


def test_taking_too_much_takes_nothing() -> None:
    purse = Purse(limits(), np.array([6, 3]))
    assert not purse.take(2)
    assert purse.remaining.tolist() == [6, 3]
    assert purse.take(1)
    assert (purse.remaining.tolist(), purse.spent.tolist()) == ([5, 2], [1, 1])


def test_what_was_not_sent_comes_back() -> None:
    purse = Purse(limits(), np.array([10, 3]))
    purse.take(2)
    purse.give_back(ArmId("a/sms/now"))
    purse.give_back(HOLD)
    purse.give_back(ArmId("gone/email/now"))
    assert (purse.remaining.tolist(), purse.spent.tolist()) == ([11, 3], [-1, 0])


def test_a_purse_asks_for_a_chunk_when_half_is_gone() -> None:
    of = limits()  # chunks: 20 of money, 10 of stock; low below 10 and below 5; full at 15 and 8
    assert [(limit.chunk, limit.low, limit.full) for limit in of.limits] == [(20, 10, 15), (10, 5, 8)]
    for left, wanted in (([10, 5], [0, 0]), ([9, 4], [11, 6]), ([-3, 0], [23, 10]), ([21, 11], [-6, -3])):
        assert Purse(of, np.array(left)).wanted().tolist() == wanted


def test_a_chunk_always_pays_the_dearest_send() -> None:
    assert Limit.of("budget", 1000, 10, 8) == Limit("budget", 1000, 10, 8)
    assert Limit.of("budget", 1000, 10, 8).low == 8
    assert Limit.of("budget", 1000, 5, 8).chunk == 8
    with pytest.raises(ConfigError, match=r"budget\.chunk_minor: expected at least 7"):
        campaign(Budget(100, 6))


def test_prices_that_change_never_give_back_more_than_was_taken() -> None:
    cheap, dear = Prices({"sms": 5}, {"sms": 5}), Prices({"sms": 8, "push": 2}, {"sms": 8, "push": 2})
    arm = ArmId("a/sms/now")
    assert cheap.followed_by(dear).charged(arm) == {"budget": 8, "stock:a": 1}
    assert cheap.followed_by(dear).refunded(arm) == {"budget": 5, "stock:a": 1}
    assert dear.either(cheap).charged(arm)["budget"] == 8
    assert dear.followed_by(cheap).charged(arm)["budget"] == 5
    assert cheap.charged(ArmId("a/fax/now"))["budget"] == 5
    assert cheap.refunded(ArmId("a/fax/now"))["budget"] == 0
    assert cheap.charged(HOLD) == {}


def test_limits_move_with_a_campaign_that_changes() -> None:
    purse = Purse(limits(), np.array([50, 2]), np.array([7, 1]))
    moved = purse.moved_to(limits(Budget(90, 20), a=None, b=4))
    assert moved.limits.ids == ("budget", "stock:b")
    assert (moved.remaining.tolist(), moved.spent.tolist()) == ([50, 0], [7, 0])


def test_the_digest_of_a_catalogue_is_what_it_was_before_there_were_prices_and_stock() -> None:
    made = read(Campaign, {**read_toml(EXAMPLE), "budget": None})
    assert made.catalogue().digest == "a698f3636b77d5e81e4a71a0"
    assert campaign(a=3).catalogue().digest == campaign(None, a=None).catalogue().digest


def test_old_documents_read_and_new_ones_come_back() -> None:
    made = campaign()
    old = plain(made)
    del old["budget"]
    for variant in old["variants"]:
        del variant["stock"], variant["stock_chunk"]
    for channel in old["channels"]:
        del channel["cost_minor"]
    assert read(Campaign, old).budget is None
    assert read(Campaign, plain(made)) == made
    catalogue = plain(made.catalogue())
    assert read(Catalogue, catalogue).digest == made.catalogue().digest


@pytest.mark.parametrize("make", [lambda: Budget(-1), lambda: Budget(1, -1), lambda: Budget((1 << 53) + 1)])
def test_amounts_out_of_range_are_refused(make: object) -> None:
    with pytest.raises(InvalidInput, match=r"0 to 2\*\*53"):
        make()  # type: ignore[operator]


def test_prices_and_stock_below_nothing_are_refused() -> None:
    with pytest.raises(InvalidInput, match="cost_minor"):
        Channel(ChannelId("email"), cost_minor=-1)
    with pytest.raises(InvalidInput, match="stock"):
        Variant(VariantId("a"), stock=-1)
