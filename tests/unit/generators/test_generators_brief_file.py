"""Briefs are read from three formats, and errors name file, line, field and remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.core.errors import InvalidInput
from generators.brief_file import read_briefs

GOOD = {
    "id": "mug",
    "product": {"title": "Mug", "price_minor": 2400, "currency": "USD"},
    "offer": {"kind": "percent", "percent": 20, "ends": "2026-11-30"},
    "audience": {"segment": ["new"]},
}


def changed(**fields: object) -> dict[str, object]:
    return {**GOOD, **fields}


def test_three_formats_give_the_same_brief(tmp_path: Path) -> None:
    toml = """
[[brief]]
id = "mug"
product = {title = "Mug", price_minor = 2400, currency = "USD"}
offer = {kind = "percent", percent = 20, ends = 2026-11-30}
audience = {segment = ["new"]}
"""
    files = {"a.json": json.dumps([GOOD], indent=2), "b.jsonl": json.dumps(GOOD) + "\n", "c.toml": toml}
    read = []
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        read += read_briefs(tmp_path / name)
    assert read[0] == read[1] == read[2]
    assert read[0].payable_minor == 1920
    assert read[0].audience == {"segment": ("new",)}


@pytest.mark.parametrize(
    ("brief", "field"),
    [
        (changed(lang="en"), "lang"),
        (changed(language="fr"), "language"),
        (changed(id="a b"), "id"),
        (changed(product={"title": "Mug", "price_minor": 24.0, "currency": "USD"}), "product.price_minor"),
        (changed(product={"title": "Mug", "price_minor": 0, "currency": "USD"}), "product.price_minor"),
        (changed(product={"title": "Mug", "currency": "USD"}), "product.price_minor"),
        (changed(product={"title": "Mug", "price_minor": 1, "currency": "XXX"}), "product.currency"),
        (changed(offer={"kind": "percent"}), "offer.percent"),
        (changed(offer={"kind": "markdown"}), "offer.kind"),
        (changed(offer={"kind": "amount", "amount_minor": 2400}), "offer.amount_minor"),
        (changed(offer={"kind": "percent", "percent": 5, "code": "a!"}), "offer.code"),
        (changed(offer={"kind": "percent", "percent": 5, "ends": "soon"}), "offer.ends"),
        (changed(channels=["fax"]), "channels"),
        (changed(tone="angry"), "tone"),
    ],
)
def test_a_wrong_field_is_named_with_file_and_line(tmp_path: Path, brief: dict[str, object], field: str) -> None:
    path = tmp_path / "briefs.jsonl"
    path.write_text(json.dumps(changed(id="first")) + "\n" + json.dumps(brief) + "\n", encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        read_briefs(path)
    assert f"{path}:2: {field}: " in str(caught.value)


def test_json_arrays_and_toml_name_the_line_of_the_brief(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(f"[\n{json.dumps(GOOD)},\n{json.dumps(changed(id='b', tone='x'))}]")
    with pytest.raises(InvalidInput, match=r"a\.json:3: tone"):
        read_briefs(tmp_path / "a.json")
    (tmp_path / "a.toml").write_text('[[brief]]\nid = "a"\n')
    with pytest.raises(InvalidInput, match=r"a\.toml:1: product\.title: is missing"):
        read_briefs(tmp_path / "a.toml")


@pytest.mark.parametrize(("name", "text"), [("a.json", "[{"), ("a.jsonl", "\n{"), ("a.toml", "x ="), ("a.csv", "")])
def test_broken_files_are_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput, match=name):
        read_briefs(tmp_path / name)


def test_an_unknown_field_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(changed(chanels=["push"])))
    with pytest.raises(InvalidInput, match="did you mean 'channels'"):
        read_briefs(tmp_path / "a.json")


def test_the_same_id_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text((json.dumps(GOOD) + "\n") * 2)
    with pytest.raises(InvalidInput, match="stands twice"):
        read_briefs(tmp_path / "a.jsonl")
