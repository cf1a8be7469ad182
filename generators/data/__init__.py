"""Data files of the generators: limits, grammars, claim lists, prompts. Change the copy here, not in the code."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["load_toml"]


@cache
def load_toml(name: str) -> dict[str, Any]:
    """Read one of the TOML files of this package."""
    return tomllib.loads(resources.files(__name__).joinpath(name).read_text(encoding="utf-8"))
