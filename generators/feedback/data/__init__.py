"""Data files of the feedback readers: word lists, cues and seed sentences, all written for this project."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["read_text", "read_toml"]


@cache
def read_toml(name: str) -> dict[str, Any]:
    """Read one of the TOML files of this package."""
    return tomllib.loads(read_text(name))


def read_text(name: str) -> str:
    """Read one of the files of this package."""
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
