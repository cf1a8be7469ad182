"""What the arms of a decision service's log are called, so that an id means the same in every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import orjson

from simulator.importers.flat_features import flat_features
from simulator.importers.json_source import JsonLine
from simulator.log import HOLD

__all__ = ["ARM_NAMINGS", "ArmNaming", "ArmSurvey"]

Actions = Sequence[Mapping[str, Any]]

ARM_NAMINGS = ("tag", "id", "index", "features")
_DIGITS = 10


class ArmSurvey:
    """Finds what can name the arms: a tag, an id, the place in a list that never changes, else the features."""

    def __init__(self) -> None:
        self._first: Actions | None = None
        self._possible = {"tag": True, "id": True, "index": True}

    def see(self, actions: Actions) -> None:
        """Take one row's actions into account."""
        if self._first is None:
            self._first = actions
        self._possible["index"] &= actions == self._first
        for naming, name in (("tag", _tag), ("id", _id)):
            if self._possible[naming]:
                names = [name(action) for action in actions]
                self._possible[naming] = None not in names and len(set(names)) == len(names)

    @property
    def naming(self) -> str:
        """The first of `ARM_NAMINGS` that holds in all rows seen."""
        return next((naming for naming, holds in self._possible.items() if holds), "features")


class ArmNaming:
    """Names arms in one way, and keeps what is known of each.

    Attributes:
        described: Arm id → description for the catalogue, as first seen.
        changing: Arms whose features were others in another row.

    Args:
        naming: One of `ARM_NAMINGS`.
        hold: Name, in the source, of the action that sends nothing.
    """

    def __init__(self, naming: str, hold: str | None = None) -> None:
        self.naming = naming
        self.described: dict[str, Mapping[str, Any]] = {}
        self.changing: set[str] = set()
        self._hold = hold
        self._seen: dict[str, Mapping[str, Any]] = {}

    def names(self, line: JsonLine, actions: Actions) -> list[str]:
        """Name one row's actions, in their order.

        Raises:
            UnusableLog: When an action has no name of this kind, or two have the same.
        """
        names = []
        for place, action in enumerate(actions):
            name = self._name(place, action)
            if name is None:
                field = f"c._multi[{place}]"
                line.refuse(field, f"an action with a {self.naming}", "none", "add it, or choose another --arm-name")
            self._describe(name, action)
            names.append(name)
        if len(set(names)) < len(names):
            line.refuse(
                "c._multi", f"actions that differ in {self.naming}", "two alike", "give each action a `_tag` of its own"
            )
        return names

    def _name(self, place: int, action: Mapping[str, Any]) -> str | None:
        if self.naming == "index":
            name: str | None = f"action{place + 1}"
        elif self.naming == "features":
            name = f"action-{sha256(orjson.dumps(action, option=orjson.OPT_SORT_KEYS)).hexdigest()[:_DIGITS]}"
        else:
            name = _tag(action) if self.naming == "tag" else _id(action)
        return HOLD if name is not None and name == self._hold else name

    def _describe(self, name: str, action: Mapping[str, Any]) -> None:
        known = self._seen.setdefault(name, action)
        if known is not action and known != action:
            self.changing.add(name)
        if name in self.described or name == HOLD:
            return
        flat = flat_features(action)
        described = {"variant": name, "channel": "any", "slot": "any", "features": flat.features}
        self.described[name] = {**described, "metadata": flat.metadata} if flat.metadata else described


def _tag(action: Mapping[str, Any]) -> str | None:
    tag = action.get("_tag")
    return tag if isinstance(tag, str) and tag else None


def _id(action: Mapping[str, Any]) -> str | None:
    """Find an id where clients write it: on the action itself, or in the namespace `i`."""
    inner = action.get("i")
    for holder in (action, inner if isinstance(inner, dict) else {}):
        for key in ("id", "Id", "ID"):
            value = holder.get(key)
            if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                return str(value)
    return None
