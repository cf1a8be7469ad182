"""The copy a shop can send: made up, or from a variants file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.core.arm import ChannelId, VariantId
from engine.core.errors import ConfigError, InvalidInput
from engine.core.reading import read
from engine.core.variant import Variant, VariantState
from simulator.shop.scenario import Scenario

__all__ = ["assortment"]

_TONES = ("plain", "playful", "urgent")
_PERCENTS = (0, 10, 20, 30)


def assortment(scenario: Scenario, rng: np.random.Generator) -> tuple[Variant, ...]:
    """The variants of a scenario, all approved.

    Raises:
        InvalidInput: Naming file, line and field, when a variants file is no good.
        ConfigError: When it holds no approved variant, or none on the scenario's channels.
    """
    channels = tuple(ChannelId(channel.id) for channel in scenario.channels)
    if scenario.copy.file:
        return _from_file(Path(scenario.copy.file), channels)
    return tuple(_made_up(i, scenario, channels, rng) for i in range(scenario.copy.variants))


def _made_up(number: int, scenario: Scenario, channels: tuple[ChannelId, ...], rng: np.random.Generator) -> Variant:
    facts = scenario.copy
    embedding = rng.standard_normal(facts.dimension)
    percent = int(rng.choice(_PERCENTS))
    tone = str(rng.choice(_TONES))
    category = f"category-{number % facts.categories}"
    text = f"{tone} copy {number} for {category}" + (f", {percent} % off" if percent else "")
    return Variant(
        id=VariantId(f"copy-{number:03d}"),
        state=VariantState.APPROVED,
        channels={channel: {"text": text} for channel in channels},
        category=category,
        offer={"kind": "percent" if percent else "none", "percent": percent / 100},
        features={"tone": tone},
        embedding=tuple(float(np.float32(v)) for v in embedding / np.linalg.norm(embedding)),
        embedding_model=f"made-up-{facts.dimension}",
        language="en",
    )


def _from_file(path: Path, wanted: tuple[ChannelId, ...]) -> tuple[Variant, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"expected a UTF-8 variants file, got: {error}", field="copy.file", file=str(path)) from None
    variants = [_read(line, path, number) for number, line in enumerate(lines, 1) if line.strip()]
    kept = []
    for variant in variants:
        channels = {channel: texts for channel, texts in variant.channels.items() if channel in wanted}
        if variant.state is VariantState.APPROVED and channels:
            # The made-up shoppers have attributes of their own, so copy is open to everybody.
            kept.append(replace(variant, channels=channels, audience={}))
    if not kept:
        raise ConfigError(
            f"expected approved variants for {', '.join(wanted)}, got {len(variants)} variants and none such; "
            "approve some or write them with `--approve`",
            field="copy.file",
            file=str(path),
        )
    return tuple(kept)


def _read(line: str, path: Path, number: int) -> Variant:
    try:
        return read(Variant, json.loads(line))
    except json.JSONDecodeError as error:
        raise InvalidInput(f"expected one JSON object: {error.msg}", file=str(path), line=number) from None
    except InvalidInput as error:
        raise InvalidInput(str(error), file=str(path), line=number) from None
