"""What `python -m engine campaign show` lays out."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

from rich.console import Console

from engine.commands.campaign import _copy

_ID = "maotan-qiu-of-the-long-name-01-f0843b2a"


def test_ids_stand_whole_in_a_narrow_terminal() -> None:
    offer = {"kind": "percent", "percent": 20.0, "has_code": True, "free_shipping": False}
    channels = {"email": {}, "sms": {}}
    variant = SimpleNamespace(
        id=_ID, state="draft", channels=channels, category="家居", offer=offer, embedding=(), embedding_model=""
    )
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(_copy(cast("Any", SimpleNamespace(variants=[variant]))))
    shown = cast("io.StringIO", console.file).getvalue()
    assert _ID in shown
    assert "…" not in shown
    assert "free" not in shown
