"""Hand cases: what a reader would take as a fact is parsed as one."""

from __future__ import annotations

import pytest

from generators.verification import StatementKind as Kind
from generators.verification import statements


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20% off, now $19.20 (was $24)", [(Kind.PERCENT, "20"), (Kind.PAYABLE, "19.2"), (Kind.REFERENCE, "24")]),
        ("$5 off the regular $1,024.50.", [(Kind.SAVING, "5"), (Kind.REFERENCE, "1024.5")]),
        ("Rs 1,02,400 instead of Rs 2,00,000", [(Kind.PAYABLE, "102400"), (Kind.REFERENCE, "200000")]),
        ("Good through Nov 30, 2026", [(Kind.DATE, "2026-11-30")]),
        ("On until 1 December.", [(Kind.DATE, "12-01")]),
        ("8.5折，到手价¥118.15，原价¥139", [(Kind.PERCENT, "15"), (Kind.PAYABLE, "118.15"), (Kind.REFERENCE, "139")]),
        ("八五折", [(Kind.PERCENT, "15")]),
        ("立减60元，活动至11月30日", [(Kind.DATE, "11-30"), (Kind.SAVING, "60")]),
        ("２０％ off", [(Kind.PERCENT, "20")]),
        ("原价¥139，8折", [(Kind.PERCENT, "20"), (Kind.REFERENCE, "139")]),
        ("Use code MUG20.", [(Kind.CODE, "MUG20")]),
        ("Use code MUG25.", [(Kind.UNKNOWN, "code MUG25")]),
        ("twenty percent off", [(Kind.UNKNOWN, "twenty")]),
        ("100% wool", [(Kind.UNKNOWN, "100%")]),
        ("五十元", [(Kind.UNKNOWN, "五十")]),
        ("Half ½ as much", [(Kind.UNKNOWN, "Half"), (Kind.UNKNOWN, "½")]),
        ("新的一天，从这份小惊喜开始！", []),
        ("No figure here.", []),
    ],
)
def test_figures_are_read_back(text: str, expected: list[tuple[Kind, str]]) -> None:
    found = statements(text, code="MUG20", facts=())
    values = [(s.kind, s.value if s.kind is not Kind.UNKNOWN else s.text) for s in found]
    assert sorted(values) == sorted(expected)


def test_digits_of_the_name_state_nothing() -> None:
    assert statements("Garlic Oil 500 mg, freshly in", code="", facts=("Garlic Oil 500 mg",)) == []


@pytest.mark.parametrize("text", ["Mug 20% off", "Mug 20.5", "Mug 20折", "$Mug 20 5"])
def test_a_name_does_not_hide_a_figure_that_touches_it(text: str) -> None:
    assert statements(text, code="", facts=("Mug 20",))
