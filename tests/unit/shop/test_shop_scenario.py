from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.core.errors import ConfigError, InvalidInput
from simulator.shop import PRESETS, Shop, read_scenario


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_open(name: str) -> None:
    scenario = PRESETS[name]
    shop = Shop.open(scenario, seed=0)
    assert scenario.name == name
    assert len(shop.catalogue) == 1 + scenario.copy.variants * len(scenario.channels) * len(scenario.slots)


def test_a_file_sets_any_part(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(
        'name = "small"\ndecisions = 10\n[response]\nbase_click = 0.2\n'
        '[[channels]]\nid = "push"\n[objective]\nweights = {click = 1.0, cost = -2.0}\nlow = -1.0\n'
        "[windows_s]\nclick = 60.0\n[exploration]\nkind = 'softmax'\nlambda = 2.0\n"
    )
    scenario = read_scenario(str(path))
    assert scenario.response.base_click == 0.2
    assert [channel.id for channel in scenario.channels] == ["push"]
    assert Shop.open(scenario, 0).campaign.exploration.lambda_ == 2.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("decision = 5", "decisions"),
        ("[response]\nbase_clik = 0.1", "base_click"),
        ("[response]\nbase_click = 2.0", "response: base_click"),
        ('decisions = "many"', "decisions"),
        ("decisions = 0", "decisions"),
        ("channels = []", "channels"),
        ('[[channels]]\nid = "push"\nbounce = 1.5', "bounce"),
        ("[windows_s]\nclick = 172800.0\npurchase = 3600.0", "windows_s.purchase"),
        ("not toml", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        Shop.open(read_scenario(str(path)), 0)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="promo"):
        read_scenario("promotion")
    with pytest.raises(ConfigError, match="no such file"):
        read_scenario("nowhere.toml")


def _variants(path: Path, *records: dict[str, object]) -> str:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


def test_copy_from_a_variants_file(tmp_path: Path) -> None:
    good = {
        "id": "tea-1",
        "state": "approved",
        "category": "tea",
        "offer": {"kind": "percent", "percent": 20},
        "channels": {"email": {"subject": "Tea"}, "banner": {"headline": "Tea"}},
        "embedding": [0.6, 0.8],
        "audience": {"region": ["north"]},
    }
    file = _variants(tmp_path / "v.jsonl", good, {**good, "id": "tea-2", "state": "draft"})
    scenario = tmp_path / "s.toml"
    scenario.write_text(f'decisions = 10\n[copy]\nfile = "{file}"\n')
    shop = Shop.open(read_scenario(str(scenario)), 0)
    assert [str(arm) for arm in shop.catalogue.ids] == ["hold", "tea-1/email/evening", "tea-1/email/now"]
    assert shop.truth.appeal.discount.tolist() == [0.2]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"id": "a", "colour": "red"}, "v.jsonl:1: colour"),
        ({"id": "a b"}, "v.jsonl:1: .*id"),
        ({"id": "a", "state": "approved", "channels": {"fax": {"text": "x"}}}, "approved variants for email"),
    ],
)
def test_a_bad_variants_file_is_named(tmp_path: Path, record: dict[str, object], said: str) -> None:
    file = _variants(tmp_path / "v.jsonl", record)
    scenario = tmp_path / "s.toml"
    scenario.write_text(f'decisions = 10\n[copy]\nfile = "{file}"\n')
    with pytest.raises(InvalidInput, match=said):
        Shop.open(read_scenario(str(scenario)), 0)
