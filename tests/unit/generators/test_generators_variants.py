"""The variants file: exact keys, round trip, atomic, and clear errors."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from engine.core.errors import InvalidInput
from engine.core.variant import VariantState
from generators.brief import Brief
from generators.embeddings import ChargramEmbedder
from generators.hooks import TemplateHooks
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.studio import Studio
from generators.variants import variant_records, variants_from_file, write_variants

BRIEF = Brief("mug", Product("Stoneware Mug", 2400, "USD", "Halden", "Kitchen"), Offer(OfferKind.PERCENT, percent=25))
KEYS = {
    "id",
    "state",
    "language",
    "category",
    "price_band",
    "offer",
    "features",
    "channels",
    "embedding",
    "embedding_model",
    "provenance",
}


def test_a_file_reads_back_as_variants(tmp_path: Path) -> None:
    records = variant_records(Studio(TemplateHooks()).write([BRIEF], 4), ChargramEmbedder(16), approved=True)
    path = tmp_path / "variants.jsonl"
    write_variants(records, path)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(set(line) == KEYS for line in lines)
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", line["id"]) for line in lines)
    variants = variants_from_file(path)
    assert [v.id for v in variants] == [line["id"] for line in lines]
    assert {v.state for v in variants} == {VariantState.APPROVED}
    assert variants[0].offer["percent"] == 25
    assert len(variants[0].embedding) == 16
    assert variants[0].embedding_model == "chargram-16"
    assert set(variants[0].channels) == {"email", "push", "sms", "banner"}
    assert variants[0].arm_features()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r":1: expected one JSON object"),
        ('{"state": "draft"}', r":1: id"),
        ('{"id": "a", "state": "sent"}', r":1: state"),
        ('{"id": "a/b"}', r":1: variant\.id"),
        ('{"id": "a", "colour": 1}', r":1: colour"),
        ('{"id": "a", "embedding": ["x"]}', r":1: embedding"),
        ('{"id": "a", "embedding": [NaN]}', r":1: .*finite"),
        ('{"id": "a", "channels": {"push": "hi"}}', r":1: channels\.push"),
        ('{"id": "a"}\n{"id": "a"}', r":2: id: 'a' stands twice"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "v.jsonl"
    path.write_text(line)
    with pytest.raises(InvalidInput, match=message):
        variants_from_file(path)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "v.jsonl"
    path.write_text("old")
    with pytest.raises(ValueError, match="JSON compliant"):
        write_variants([{"id": "a", "embedding": [float("nan")]}], path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["v.jsonl"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"v\.jsonl: cannot write there"):
        write_variants([], tmp_path / "no" / "v.jsonl")
