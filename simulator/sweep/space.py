"""What a sweep tries, and how: the space file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.config import read_toml
from engine.core.errors import ConfigError
from engine.core.reading import read
from simulator.sweep.choices import drawn, every

__all__ = ["Halved", "Parted", "Search", "Space"]

_TABLES = ("exploration", "learning", "objective")
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Search:
    """How candidates are taken from the space.

    Attributes:
        kind: `grid` takes every combination, `random` draws.
        candidates: How many to draw; of a grid, at most so many are allowed.
        seed: Of the draws.
    """

    kind: Literal["grid", "random"] = "grid"
    candidates: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.candidates <= _MOST:
            raise ConfigError(f"expected 1 to {_MOST:,}, got {self.candidates}", field="candidates")


@dataclass(frozen=True, slots=True)
class Parted:
    """How the log is parted into train, select and confirm.

    Attributes:
        train: Share of the decisions that candidates learn from, the earliest ones.
        select: Share that chooses among them.
        confirm: Share that values the one chosen, the latest ones.
        select_from: Moment at which select begins, instead of shares.
        confirm_from: Moment at which confirm begins.
        by: `time`; `order` of the rows where there are no times; `users`, dealt by hash, each in one period. `auto` is
            time where every row has one, else order.
    """

    train: float = 0.5
    select: float = 0.25
    confirm: float = 0.25
    select_from: datetime | None = None
    confirm_from: datetime | None = None
    by: Literal["auto", "time", "order", "users"] = "auto"

    def __post_init__(self) -> None:
        shares = (self.train, self.select, self.confirm)
        if not all(share > 0.0 for share in shares) or abs(sum(shares) - 1.0) > 1e-6:
            told = ", ".join(f"{share:g}" for share in shares)
            raise ConfigError(f"expected three shares above 0 that sum to 1, got {told}", field="periods")
        if (self.select_from is None) != (self.confirm_from is None):
            raise ConfigError("expected both select_from and confirm_from, got one; add the other", field="periods")
        if self.select_from is not None and self.confirm_from is not None:
            if self.select_from >= self.confirm_from:
                raise ConfigError("expected confirm_from after select_from", field="periods.confirm_from")
            if self.by not in ("auto", "time"):
                raise ConfigError("expected by = 'time' with moments; remove one of the two", field="periods.by")


@dataclass(frozen=True, slots=True)
class Halved:
    """Successive halving: many candidates on little of the log, the better ones on more of it.

    Attributes:
        rungs: How often candidates are valued; the last time on the whole periods. 0 takes up to three, as long as the
            first one has 1,000 decisions to select by.
        keep: Share of the candidates that goes on from one rung to the next; a rung has this share of the next's rows.
    """

    rungs: int = 0
    keep: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.rungs <= 6:
            raise ConfigError(f"expected 0 to 6, got {self.rungs}", field="halving.rungs")
        if not 0.1 <= self.keep <= 0.9:
            raise ConfigError(f"expected a share from 0.1 to 0.9, got {self.keep}", field="halving.keep")


@dataclass(frozen=True, slots=True)
class Space:
    """A space file, read.

    Attributes:
        exploration: Table of the campaign's `[exploration]`, each value as `every` reads it.
        learning: Of its `[learning]`.
        objective: Of its `[objective]`: what candidates learn; they are all valued alike.
        metric: What candidates are valued by, unless the sweep is told otherwise.
        policies: SPECs that need no learning under a campaign: uniform, constant:…, vw:…, snapshot:… and others.
        search: How candidates are taken.
        periods: How the log is parted.
        halving: How candidates are dropped.
    """

    exploration: Any = field(default_factory=dict)
    learning: Any = field(default_factory=dict)
    objective: Any = field(default_factory=dict)
    metric: str | None = None
    policies: tuple[str, ...] = ()
    search: Search = field(default_factory=Search)
    periods: Parted = field(default_factory=Parted)
    halving: Halved = field(default_factory=Halved)

    @classmethod
    def read(cls, path: Path) -> Space:
        """Read a TOML file.

        Raises:
            ConfigError: Naming file and key.
        """
        return cls.of(read_toml(path), str(path))

    @classmethod
    def of(cls, data: Mapping[str, Any], file: str = "") -> Space:
        """Read plain data, as `read` reads a file.

        Raises:
            ConfigError: Naming the key.
        """
        space = read(cls, data, file=file)
        if not space.policies and not any(getattr(space, name) for name in _TABLES):
            raise ConfigError(
                "expected candidates: tables [exploration], [learning], [objective], or `policies`; add one",
                file=file,
            )
        return space

    def settings(self) -> list[dict[str, Any]]:
        """List the tables of each candidate that learns, none twice: table → key → value.

        Raises:
            ConfigError: When a grid is larger than it may be, or a range is none.
        """
        tables = {name: getattr(self, name) for name in _TABLES if getattr(self, name)}
        if not tables:
            return []
        if self.search.kind == "grid":
            made = every(tables, "space")
            if len(made) > self.search.candidates:
                raise ConfigError(
                    f"expected a grid of at most {self.search.candidates:,} candidates, got {len(made):,}; raise "
                    "search.candidates, or search at random",
                    field="search.candidates",
                )
        else:
            random = np.random.default_rng(self.search.seed)
            made = [drawn(tables, "space", random) for _ in range(self.search.candidates)]
        return list({repr(one): one for one in made}.values())
