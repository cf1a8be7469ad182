"""What shoppers say of a variant, read back from the file of `generators feedback`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import InvalidInput, UnsupportedVersion
from engine.core.feedback_file import read_feedback

ITEM: dict[str, Any] = {
    "variant": "mug-00",
    "comments": 12,
    "mood": {"value": 0.25, "low": -0.1, "high": 0.6},
    "topics": {"price": {"comments": 5, "mood": 0.4}, "delivery": {"comments": 2, "mood": -1.0}, "fit": {}},
}


def written(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_variant_in_one_line(tmp_path: Path) -> None:
    few = {"variant": "mug-01", "comments": 2, "mood": None, "topics": {}}
    path = written(tmp_path / "f.json", {"schema": "armsreach.feedback.v1", "variants": [ITEM, few]})
    found = read_feedback(path)
    assert str(found["mug-00"]) == "12  mood +0.25 [-0.10, +0.60]  price, delivery"
    assert str(found["mug-01"]) == "2"


def test_what_is_not_feedback_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_feedback(tmp_path / "absent.json")
    for document in ([], {"schema": "armsreach.decision.v1"}, {"schema": "armsreach.feedback.v1", "variants": [{}]}):
        with pytest.raises(InvalidInput, match=r"f\.json"):
            read_feedback(written(tmp_path / "f.json", document))
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        read_feedback(written(tmp_path / "f.json", {"schema": "armsreach.feedback.v2"}))
