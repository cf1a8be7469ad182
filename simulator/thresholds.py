"""Limits below which an evaluation is weak or gives no verdict."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path

from engine.core.errors import ConfigError

__all__ = ["Thresholds"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Defaults of the report format, version 1.

    Attributes:
        refused_user_ess: Fewer effective users give no verdict.
        refused_reward_ess: Fewer effective rewarded users give no verdict.
        refused_unsupported_mass: More probability on arms that the log never plays gives no verdict.
        mean_weight_level: Level of the interval of the mean weight, which has to contain 1.
        weak_user_ess: Fewer effective users make a verdict weak.
        weak_reward_ess: Fewer effective rewarded users make a verdict weak.
        weak_mismatch_share: A sample-ratio alarm that concerns more than this share of decisions makes verdicts weak.
        capped_excess: Sends or spend on a capped channel above the log's by more than this share make it weak.
        capped_channels: Channels known to be capped, besides those whose exclusions in the log say so.
    """

    refused_user_ess: float = 100.0
    refused_reward_ess: float = 30.0
    refused_unsupported_mass: float = 0.01
    mean_weight_level: float = 0.99
    weak_user_ess: float = 1000.0
    weak_reward_ess: float = 200.0
    weak_mismatch_share: float = 0.01
    capped_excess: float = 0.1
    capped_channels: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: str) -> Thresholds:
        """Read thresholds from a TOML file; what it leaves out keeps its default.

        Raises:
            ConfigError: When the file cannot be read, or a key or value is wrong.
        """
        try:
            given = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"expected a readable TOML file, got {error}; check it", file=path) from error
        known = [entry.name for entry in fields(cls)]
        kept: dict[str, float | tuple[str, ...]] = {}
        for key, value in given.items():
            if key not in known:
                near = get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else "known keys: " + ", ".join(known)
                raise ConfigError(f"expected a known threshold, got {key!r}; {hint}", field=key, file=path)
            kept[key] = _channels(value, path) if key == "capped_channels" else _number(key, value, path)
        return cls(**kept)  # type: ignore[arg-type]  # each key was checked against its own type above


def _channels(value: object, path: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(
            f'expected a list of channel names, got {value!r}; write ["email"]', field="capped_channels", file=path
        )
    return tuple(value)


def _number(key: str, value: object, path: str) -> float:
    top = 1.0 if key in ("mean_weight_level", "refused_unsupported_mass", "weak_mismatch_share") else float("inf")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= top:
        raise ConfigError(f"expected a number in [0, {top:g}], got {value!r}; correct it", field=key, file=path)
    return float(value)
