"""Which arms a catalogue's digest stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.core.arm import ArmId
from engine.core.errors import NotFound

ArmsOf = Callable[[str], Sequence[ArmId]]
"""Catalogue digest → its arm ids in catalogue order. Raises NotFound for a catalogue nobody knows; answers should be
cached, as it is asked once per large record."""


def no_catalogues(digest: str) -> Sequence[ArmId]:
    """Know no catalogue: records are then written with the full list of their arm ids.

    Raises:
        NotFound: Always.
    """
    raise NotFound(f"no catalogue {digest!r} is known here; give the journal a way to look catalogues up")
