"""Shopper profiles: events → a vector for each shopper.

`ProfileStore` needs numpy alone, so that a server can look vectors up. All else needs the extra `profiles`, and is
imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from engine.profiles.columns import EventColumns, ProductColumns
from engine.profiles.event_type import EventType
from engine.profiles.profile_store import ProfileStore
from engine.profiles.settings import ProfileSettings

if TYPE_CHECKING:
    from engine.profiles.build import BuildInput, ProfileBuild
    from engine.profiles.events import Event, Events
    from engine.profiles.matching import Match, Matcher
    from engine.profiles.products import Product, Products

_LATER = {
    "BuildInput": "build",
    "Event": "events",
    "Events": "events",
    "Match": "matching",
    "Matcher": "matching",
    "Product": "products",
    "Products": "products",
    "ProfileBuild": "build",
}

__all__ = [
    "BuildInput",
    "Event",
    "EventColumns",
    "EventType",
    "Events",
    "Match",
    "Matcher",
    "Product",
    "ProductColumns",
    "Products",
    "ProfileBuild",
    "ProfileSettings",
    "ProfileStore",
]


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from engine.extras import require

    require("profiles", "polars", "scipy", "sklearn", "implicit", "threadpoolctl")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
