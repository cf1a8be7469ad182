"""Every hook model: equal requests give equal lines, whatever stands beside them; versions tell what wrote."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generators.brief import Brief
from generators.hooks import HookModel, HookRequest, TemplateHooks, hook_model
from generators.product import Product

EN = [
    Brief("mug", Product("Stoneware Mug", 2400, "USD", "Halden", "Kitchen")),
    Brief("lamp", Product("Small Reading Lamp, 40 cm", 5200, "USD", "", "Lighting")),
]
ZH = [Brief("cup", Product("手工马克杯 350ml", 9900, "CNY", "", "厨房"), language="zh")]


@pytest.fixture(params=["template", "gpt2", "llama", "llama-int8", "llama-chat", "t5"])
def model(request: pytest.FixtureRequest) -> HookModel:
    family, _, option = str(request.param).partition("-")
    if family == "template":
        return TemplateHooks()
    models: dict[str, Path] = request.getfixturevalue("tiny_models")
    return hook_model(f"local:{models[family]}" + (f"?{option}=1" if option else ""))


def requests(model: HookModel) -> list[HookRequest]:
    briefs = EN + (ZH if "zh" in model.languages else [])
    return [HookRequest(brief, tone, i, 4) for i, tone in enumerate(("warm", "lively", "plain")) for brief in briefs]


def test_a_list_for_each_request_in_its_language(model: HookModel) -> None:
    asked = requests(model)
    proposed = model.propose(asked)
    assert len(proposed) == len(asked)
    assert sum(map(bool, proposed)) > len(asked) // 2
    for request, lines in zip(asked, proposed, strict=True):
        assert len(set(lines)) == len(lines)
        for line in lines:
            assert line == line.strip()
            assert not re.search(r"[0-9\n%$€¥]", line)
            assert bool(re.search(r"[A-Za-z]", line)) <= (request.brief.language == "en")
    assert model.propose([]) == []


def test_order_and_neighbours_change_nothing(model: HookModel) -> None:
    asked = requests(model)
    proposed = model.propose(asked)
    assert model.propose(asked[::-1]) == proposed[::-1]
    assert model.propose(asked[2:3]) == proposed[2:3]


def test_another_seed_gives_other_lines(model: HookModel) -> None:
    asked = requests(model)
    other = [HookRequest(request.brief, request.tone, request.index, 99) for request in asked]
    assert model.propose(asked) != model.propose(other)


def test_name_version_and_languages_are_steady(model: HookModel) -> None:
    assert model.name
    before = model.version
    assert re.fullmatch(r"\S{6,}", before)
    model.propose(requests(model)[:1])
    assert model.version == before
    assert model.languages <= {"en", "zh"}


def test_the_prompt_ends_with_the_request_and_a_grammar_has_none(model: HookModel) -> None:
    for request in requests(model):
        prompt = model.prompt(request)
        assert ("Mug" in prompt or "mug" in prompt or "克杯" in prompt or "lamp" in prompt) == (
            model.name != "template"
        )
