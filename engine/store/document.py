"""A JSON document as the store keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Document:
    """One document.

    Attributes:
        kind: What it describes, such as "campaign".
        id: Its name within the kind.
        revision: Changes with every writing of it, and only grows.
        document: The JSON object.
    """

    kind: str
    id: str
    revision: int
    document: dict[str, Any]
