import json
import re
import tomllib
from pathlib import Path

import pytest
from rich.console import Console

import generators.needs as package
from generators.needs import needs_report, segment_table

WORDS = tomllib.loads((Path(package.__file__).parent / "data" / "report.toml").read_text(encoding="utf-8"))


def drawn(needs, language="en", width=150):
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        console.print(needs_report(needs, language, width))
        return console.export_text()


def test_the_report_says_what_was_found(told):
    needs = told["shopper-00"]
    text = drawn(needs)
    first = needs.interests[0]
    assert first.topic.name in text
    assert "Price sensitivity" in text
    assert "Confidence: the probability" in text
    assert "no log of decisions was given" in text


def test_the_chinese_report_has_no_english_words(told):
    text = drawn(told["shopper-00"], "zh")
    assert "置信度" in text
    left = set(re.findall(r"[A-Za-z]{3,}", text)) - set(
        re.findall(r"[A-Za-z]{3,}", json.dumps(told["shopper-00"].to_json()))
    )
    assert left <= {"UTC", "log"}


def test_both_languages_have_the_same_words():
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    assert WORDS["en"]["reasons"].keys() == WORDS["zh"]["reasons"].keys()
    for name, text in WORDS["en"].items():
        if isinstance(text, str):
            holes = [sorted(re.findall(r"\{(\w+)\}", words)) for words in (text, WORDS["zh"][name])]
            assert holes[0] == holes[1], name


def test_every_reason_has_words():
    source = "".join(path.read_text(encoding="utf-8") for path in Path(package.__file__).parent.glob("*.py"))
    for reason in WORDS["en"]["reasons"]:
        assert f'"{reason}"' in source
    assert set(re.findall(r'"((?:few|no|short|nothing)_[a-z_]+)"', source)) - {"no_channels"} == set(
        WORDS["en"]["reasons"]
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_segment_without_interests_says_so(analysis, language):
    text = drawn(analysis.segment("all", analysis.users()), language)
    assert "--min-confidence" in text


def test_the_json_has_its_schema_and_is_json(told):
    document = json.loads(json.dumps(told["shopper-00"].to_json()))
    assert document["schema"] == "armsreach.needs.v1"
    assert document["interests"][0]["confidence"] > 0.95


def test_segments_stand_beside_each_other(analysis, shop):
    names = ("Coffee", "Yoga")
    groups = [analysis.segment(name, [u for u, one in shop.truth.items() if one.interest == name]) for name in names]
    console = Console(width=150, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        console.print(segment_table(groups))
        text = console.export_text()
    assert re.search(r"Coffee +8 +Drinks: Coffee × \d", text)
    assert re.search(r"Yoga +8 +Sports: Yoga × \d", text)


@pytest.mark.parametrize("width", [80, 120])
def test_names_are_whole_in_narrow_terminals_too(told, width):
    interest = told["shopper-00"].interests[0]
    text = drawn(told["shopper-00"], width=width)
    assert all(word in text for word in interest.topic.name.split())
    assert interest.evidence[0].title.split()[0] in text
    assert "because" in text or width == 80
