"""Scenarios by name, and from TOML files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from engine.config import read_toml
from engine.core.errors import ConfigError
from engine.core.objective import Objective
from engine.core.reading import read
from simulator.shop.response import Response
from simulator.shop.scenario import Scenario

__all__ = ["PRESETS", "read_scenario"]

PRESETS: Mapping[str, Scenario] = MappingProxyType(
    {
        "promo": Scenario(name="promo", response=Response(base_click=0.03), objective=Objective(typical=0.03)),
        "rare": Scenario(name="rare", response=Response(base_click=0.005), objective=Objective(typical=0.005)),
        "frequent": Scenario(name="frequent", response=Response(base_click=0.05), objective=Objective(typical=0.05)),
        "money": Scenario(
            name="money",
            response=Response(base_click=0.08, buy_after_click=0.12),
            objective=Objective(
                weights={"purchase": 0.3, "refund": -0.3, "cost": -1.0}, low=-10.0, high=60.0, typical=0.1
            ),
        ),
    }
)
"""The named scenarios; each is a plain `Scenario`, and a file may set every part of one."""


def read_scenario(source: str) -> Scenario:
    """A preset by its name, or a scenario from a TOML file.

    Raises:
        ConfigError: If it is neither, or naming the file and key that is wrong.
    """
    if source in PRESETS:
        return PRESETS[source]
    path = Path(source)
    if path.suffix != ".toml" and not path.exists():
        raise ConfigError(
            f"expected one of {', '.join(PRESETS)} or a TOML file, got {source!r}; correct the name", field="SCENARIO"
        )
    return read(Scenario, read_toml(path), file=source)
