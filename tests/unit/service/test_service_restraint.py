"""Restraint: what cannot be counted is refused alone, and what fails is taken back."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.core.frequency_cap import FrequencyCap
from engine.core.limits import Limits
from engine.journal import Position
from engine.service.allowance import Allowance
from engine.service.deciding import Deciding
from engine.service.frequencies import Frequencies
from engine.service.requests import DecideRequest
from engine.service.restraint import Restraint
from engine.service.serving import Serving
from engine.store.ledger.memory_ledger import MemoryLedger

AT = datetime(2026, 5, 1, tzinfo=UTC)
PLAIN = {"control": 0.0, "holdout": 0.0}


def restrained(serving: Serving, users: int) -> Restraint:
    frequencies = Frequencies((), users)
    frequencies.open(serving.campaign)
    return Restraint(frequencies.of(serving.campaign, serving.catalogue))


@pytest.fixture
def serving(make_serving: Callable[..., Serving]) -> Serving:
    return make_serving(shares=PLAIN, caps=[{"most": 1, "within_s": 3_600.0}])


def test_a_full_table_refuses_shoppers_it_cannot_count_and_no_others(
    serving: Serving, deciding: Deciding, make_requests: Callable[[int], list[DecideRequest]]
) -> None:
    restraint = restrained(serving, 2)
    ready = [deciding.prepare(serving, r, deciding.identify(r), AT) for r in make_requests(200)]
    decided = refused_in_all = 0
    for start in range(0, 200, 20):
        block, refused = deciding.draw(serving, ready[start : start + 20], restraint)
        decided += 0 if block is None else len(block)
        refused_in_all += len(refused)
        assert (0 if block is None else len(block)) + len(refused) == 20
    assert decided > 2
    assert refused_in_all > 100


def test_what_fails_in_the_middle_is_taken_back(
    serving: Serving, deciding: Deciding, make_requests: Callable[[int], list[DecideRequest]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    restraint = restrained(serving, 1_000)
    requests = make_requests(30)
    twice = [deciding.prepare(serving, r, deciding.identify(r), AT) for r in (*requests, *requests)]
    calls = 0
    whole = Deciding._counts

    def failing(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise MemoryError("in the second round, when the first was counted")
        return whole(*arguments)

    monkeypatch.setattr(Deciding, "_counts", failing)
    with pytest.raises(MemoryError):
        deciding.draw(serving, twice, restraint)
    block, refused = deciding.draw(serving, twice[:30], restraint)
    assert block is not None
    assert not refused
    assert all("campaign_cap" not in decision.excluded.values() for decision in block), "nothing counts any more"
    assert len(Limits(serving.campaign, serving.catalogue)) == 0
    assert serving.campaign.caps == (FrequencyCap(most=1, within_s=3_600.0),)


STOCKED = 180


def stocked(make_serving: Callable[..., Serving]) -> tuple[Serving, Restraint]:
    """A campaign of 180 variants, one send of each."""
    email = {"email": {"text": "now"}}
    variants = [{"id": f"v{i}", "state": "approved", "channels": email, "stock": 1} for i in range(STOCKED)]
    serving = make_serving(
        learned=False, shares=PLAIN, channels=[{"id": "email"}], slots=[{"id": "now"}], variants=variants
    )
    allowance = Allowance("promo", Limits(serving.campaign, serving.catalogue), 1, MemoryLedger(), "worker-0")
    allowance.open(Position("worker-0", 1, 16), lambda *_: {})
    return serving, Restraint(allowance=allowance)


async def test_many_stocks_run_out_in_one_block(
    make_serving: Callable[..., Serving], deciding: Deciding, make_requests: Callable[[int], list[DecideRequest]]
) -> None:
    """Each is narrowed away in a turn of its own."""
    serving, restraint = stocked(make_serving)
    ready = [deciding.prepare(serving, r, deciding.identify(r), AT) for r in make_requests(600)]
    block, refused = deciding.draw(serving, ready, restraint)
    assert block is not None
    assert not refused
    sent = Counter(decision.arm for decision in block if decision.is_send)
    assert set(sent.values()) == {1}
    assert len(sent) == STOCKED
    assert Counter(block[-1].excluded.values()) == {"stock_exhausted": STOCKED}


async def test_what_was_paid_comes_back_where_a_later_row_fails(
    make_serving: Callable[..., Serving], deciding: Deciding, make_requests: Callable[[int], list[DecideRequest]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    serving, restraint = stocked(make_serving)
    ready = [deciding.prepare(serving, r, deciding.identify(r), AT) for r in make_requests(600)]
    calls, whole = 0, Deciding._counts

    def failing(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 30:
            raise MemoryError("when some were paid")
        return whole(*arguments)

    monkeypatch.setattr(Deciding, "_counts", failing)
    with pytest.raises(MemoryError):
        deciding.draw(serving, ready, restraint)
    block, _ = deciding.draw(serving, ready, restraint)
    assert block is not None
    assert sum(decision.is_send for decision in block) == STOCKED
