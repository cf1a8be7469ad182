"""What names a person does not come out."""

from __future__ import annotations

import pytest

from generators.feedback import masked


@pytest.mark.parametrize(
    "personal",
    [
        "anna.b+shop@example.co.uk", "+49 (0)170 123 45 67", "13812345678", "138-1234-5678", "400-820-8820",
        "4111 1111 1111 1111", "11010519491231002X", "https://shop.example/u/anna?id=7", "@anna_b", "20241105123456",
        "9f1b6c1e-0d5a-4d9e-8a53-0b1a2c3d4e5f", "AB12CD34EF56", "微信号：anna_b88", "VX: shopper123",
    ],
)  # fmt: skip
@pytest.mark.parametrize("around", ["Call {} now, the 24 cm pan", "我的联系方式是 {} ，锅 24 cm"])
def test_personal_data_is_masked(personal: str, around: str) -> None:
    said = masked(around.format(personal))
    digits = "".join(c for c in personal if c.isalnum())
    assert personal not in said
    assert digits not in "".join(c for c in said if c.isalnum())
    assert "24 cm" in said


@pytest.mark.parametrize(
    "plain", ["$19.99 for 24 cm", "299元两件", "5 out of 10", "2024 was fine", "iPhone 15 Pro", "size 38/40"]
)
def test_prices_and_sizes_stay(plain: str) -> None:
    assert masked(plain) == plain


def test_given_names_go() -> None:
    assert masked("user-7 says hi", ["user-7", ""]) == "[id] says hi"
