"""Words of the reports, by language."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def words_of(language: str) -> dict[str, Any]:
    """What `data/report.toml` has for a language.

    Args:
        language: `en` or `zh`.
    """
    text = resources.files("generators.needs").joinpath("data/report.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)[language]
    return found


def percent(share: float) -> str:
    """A share, to two figures where it is small.

    >>> percent(0.123), percent(0.0123), percent(0.0)
    ('12%', '1.2%', '0%')
    """
    return f"{share:.0%}" if share >= 0.0995 or share == 0 else f"{share:.1%}"
