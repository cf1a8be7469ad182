"""Nothing false is approved, whoever edited it; a file says who approved what."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import InvalidInput
from generators.approval import Decision, VariantsFile
from generators.brief import Brief
from generators.brief_file import brief_of
from generators.brief_plain import brief_plain
from generators.embeddings import ChargramEmbedder
from generators.gallery import gallery_page
from generators.hooks import TemplateHooks
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.results_table import write_table
from generators.studio import Studio
from generators.variants import variant_records, write_variants

MUG = Brief(
    "mug",
    Product("Stoneware Mug", 2400, "USD", "Halden", "Kitchen"),
    Offer(OfferKind.PERCENT, percent=25, code="MUG25", ends=datetime(2026, 12, 1, tzinfo=UTC).date()),
    audience={"segment": ("new", 3)},
)
AT = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = Studio(TemplateHooks(), seed=1).write([MUG], 3)
    write_variants(variant_records(written, ChargramEmbedder()), tmp_path / "v.jsonl")
    return tmp_path / "v.jsonl"


def edited(path: Path, old: str, new: str) -> str:
    """Replace words in the first variant that has them; returns its id."""
    lines = path.read_text(encoding="utf-8").splitlines()
    number = next(i for i, line in enumerate(lines) if old in json.dumps(json.loads(line)["channels"]))
    record: dict[str, Any] = json.loads(lines[number])
    record["channels"] = json.loads(json.dumps(record["channels"]).replace(old, new))
    lines[number] = json.dumps(record)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(record["id"])


def test_a_brief_survives_its_plain_form() -> None:
    assert brief_of(json.loads(json.dumps(brief_plain(MUG)))) == MUG


def test_approval_stands_in_the_file(path: Path) -> None:
    file = VariantsFile(path)
    first, second, third = file.ids
    file.decide([first], Decision("approved", "Ada", AT))
    file.decide([second], Decision("killed", "Ada", AT, "too loud"))
    again = VariantsFile(path)
    assert again.drafts() == [third]
    assert again.records[first]["state"] == "approved"
    assert again.records[first]["provenance"]["approved"] == {"by": "Ada", "at": "2026-11-03T09:30:00+00:00"}
    assert again.records[second]["provenance"]["rejected"]["note"] == "too loud"
    with pytest.raises(InvalidInput, match="killed"):
        again.decide([second], Decision("approved", "Ada", AT))


def test_a_wrong_fact_is_not_approved_and_nothing_is_written(path: Path) -> None:
    wrong = edited(path, "$18", "$16")
    before = path.read_bytes()
    file = VariantsFile(path)
    assert any(finding.check == "facts" for finding in file.findings(wrong))
    with pytest.raises(InvalidInput, match=wrong):
        file.decide(file.ids, Decision("approved", "Ada", AT))
    assert path.read_bytes() == before


def test_harmless_edits_are_approved(path: Path) -> None:
    id_ = edited(path, "Use code", "Please use code")
    file = VariantsFile(path)
    file.decide([id_], Decision("approved", "Ada", AT))
    assert "Please use code" in json.dumps(VariantsFile(path).records[id_])


def test_approval_needs_a_name_a_known_id_and_facts(path: Path) -> None:
    with pytest.raises(InvalidInput, match="--by"):
        Decision("approved", " ", AT)
    with pytest.raises(InvalidInput, match="no variant 'x'"):
        VariantsFile(path).decide(["x"], Decision("approved", "Ada", AT))
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    del records[0]["provenance"]["brief_facts"]
    write_variants(records, path)
    file = VariantsFile(path)
    with pytest.raises(InvalidInput, match="brief_facts"):
        file.decide(file.ids[:1], Decision("approved", "Ada", AT))


def test_the_table_has_every_string_and_runs_no_formula(path: Path, tmp_path: Path) -> None:
    file = VariantsFile(path)
    records = [file.records[id_] for id_ in file.ids]
    records[0]["channels"]["push"]["title"] = '=HYPERLINK("x")'
    write_table(records, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == file.ids
    assert rows[0]["push.title"] == '\'=HYPERLINK("x")'
    assert rows[1]["email.body"] == records[1]["channels"]["email"]["body"]
    assert {"fit", "total"} <= set(rows[0]) or "total" in rows[0]


def test_the_gallery_escapes_what_copy_says(path: Path) -> None:
    file = VariantsFile(path)
    records = [file.records[id_] for id_ in file.ids]
    records[0]["channels"]["push"]["title"] = "<script>alert(1)</script>"
    page = gallery_page(records, "A & B")
    assert "<script>alert" not in page
    assert "A &amp; B" in page
    for record in records:
        assert record["id"] in page
