"""Data files of the generators: limits, grammars, claim lists, prompts. Change the copy here, not in the code."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["load_toml", "toml_names"]


@cache
def load_toml(name: str) -> dict[str, Any]:
    """Read one of the TOML files of this package."""
    return tomllib.loads(resources.files(__name__).joinpath(name).read_text(encoding="utf-8"))


@cache
def toml_names(prefix: str) -> tuple[str, ...]:
    """Return the names of the TOML files of this package that begin so, sorted."""
    names = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(name for name in names if name.startswith(prefix) and name.endswith(".toml")))
