"""The vocabulary of arms of a log that is read in chunks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["ArmNames"]

Described = Mapping[str, Mapping[str, Any]]


@dataclass(slots=True)
class ArmNames:
    """Grows as chunks are read.

    Attributes:
        names: Arm ids in order of first sight.
        catalogue: What records say of arms inline.
    """

    names: list[str] = field(default_factory=list)
    catalogue: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def codes(self, series: pl.Series) -> NDArray[np.int32]:
        """Number arm ids, new ones included; shape (len(series),)."""
        new = series.unique(maintain_order=True)
        known = set(self.names)
        self.names += [name for name in new if name not in known]
        return series.cast(pl.Enum(self.names)).to_physical().to_numpy().astype(np.int32)

    def mark(self) -> tuple[int, Described]:
        """Remember how things stand, before a chunk that may turn out unreadable."""
        return len(self.names), dict(self.catalogue)

    def back_to(self, mark: tuple[int, Described]) -> None:
        """Forget what came since."""
        known, catalogue = mark
        del self.names[known:]
        self.catalogue = dict(catalogue)
