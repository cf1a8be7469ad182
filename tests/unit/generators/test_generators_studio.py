"""Whatever the brief, what is shown passes; equal seeds write equal copy; a bad model changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.brief import TONES, Brief
from generators.hooks import HookRequest, HookScreen, TemplateHooks
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.studio import Studio
from generators.verification import Verifier

WORDS = st.text(st.sampled_from("abcdefgXYZ 0123456789-,.%&'$+()®/杯子茶最好一二折元"), min_size=1, max_size=90).filter(
    lambda text: bool(text.strip())
)


@st.composite
def briefs(draw: st.DrawFn) -> Brief:
    currency = draw(st.sampled_from(["USD", "EUR", "GBP", "INR", "CNY", "JPY"]))
    price = draw(st.integers(2, 10**9))
    listed = draw(st.integers(price + 1, 4 * price + 2))
    kind = draw(st.sampled_from(list(OfferKind)))
    if kind is OfferKind.MARKDOWN and (listed - price) * 100 < listed:
        kind = OfferKind.NONE
    terms = kind is not OfferKind.NONE
    return Brief(
        id="b",
        product=Product(draw(WORDS), price, currency, draw(WORDS), draw(WORDS), listed),
        offer=Offer(
            kind=kind,
            percent=draw(st.integers(1, 99)) if kind is OfferKind.PERCENT else 0,
            amount_minor=draw(st.integers(1, price - 1)) if kind is OfferKind.AMOUNT else 0,
            code=draw(st.sampled_from(["", "MUG20", "A11", "ZHE8"])) if terms else "",
            ends=draw(st.none() | st.dates(date(2025, 1, 1), date(2030, 12, 31))) if terms else None,
        ),
        language=draw(st.sampled_from(["en", "zh"])),
    )


@settings(max_examples=60, deadline=None)
@given(briefs(), st.integers(0, 10**6))
def test_everything_shown_passes_and_every_brief_gets_copy(brief: Brief, seed: int) -> None:
    studio = Studio(TemplateHooks(), seed=seed)
    written = studio.write([brief], 3)
    assert len(written) == 3, studio.report.findings
    for item in written:
        assert Verifier().findings(item.draft, brief) == []


MUG = Brief("mug", Product("Stoneware Mug", 2400, "USD", "Halden", "Kitchen"), Offer(OfferKind.PERCENT, percent=25))


def test_equal_seeds_write_equal_copy_and_others_do_not() -> None:
    def strings(seed: int) -> list[list[tuple[str, str, str]]]:
        return [list(item.draft.strings()) for item in Studio(TemplateHooks(), seed=seed).write([MUG], 6)]

    assert strings(1) == strings(1)
    assert strings(1) != strings(2)


def test_variants_of_a_brief_differ() -> None:
    written = Studio(TemplateHooks()).write([MUG], 24)
    assert len({item.draft.hook for item in written}) == 24
    assert {item.draft.tone for item in written} == set(TONES)
    assert {item.draft.lead for item in written} == {"hook", "deal", "product"}


class Liar:
    """A model that states wrong facts, makes claims and breaks off."""

    name = "liar"
    version = "1"
    languages = frozenset({"en"})

    def propose(self, requests: Sequence[HookRequest]) -> list[list[str]]:
        return [["Now only $3!", "The best mug in the world.", "A mug with", "Mug mug mug."] for _ in requests]


def test_hooks_that_lie_are_replaced() -> None:
    studio = Studio(Liar())
    written = studio.write([MUG], 4)
    assert len(written) == 4
    assert {item.hook_source for item in written} == {"template"}
    assert studio.report.from_model == 0
    assert studio.report.fallbacks == {"no usable hook": 4}
    assert sum(studio.report.rejected.values()) == 16


@pytest.mark.parametrize(
    "hook",
    [
        "It costs five dollars.",
        "No sugar at all.",
        "Wake up with Starbucks today.",
        "A calm desk for",
        "Good",
        "Buy it!",
    ],
)
def test_hooks_of_facts_claims_and_fragments_are_screened(hook: str) -> None:
    assert HookScreen().reasons(hook, MUG)


def test_a_plain_hook_passes_the_screen() -> None:
    assert HookScreen().reasons("Slow mornings taste like tea.", MUG) == []
