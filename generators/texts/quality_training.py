"""Train the quality heads that come with this package: `make quality-heads`.

English: headlines of the Upworthy Research Archive (CC BY 4.0), from ARMSREACH_DATA. Chinese: 50 lines written for
this project.
"""

from __future__ import annotations

import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import InvalidInput
from generators.texts.classifier import TextClassifier
from generators.texts.model_folder import training_digest
from generators.texts.quality import SCHEMA, QualityModel
from generators.texts.upworthy import headline_tests

_ENGLISH = 1500
_SEED = 11
_NOTICE = {
    "en": "Trained on headlines of the Upworthy Research Archive by J. N. Matias, K. Munger, M. A. Le Quere and "
    "C. Ebersole (2021), https://doi.org/10.1038/s41597-021-00934-7, CC BY 4.0, and on corruptions of them.",
    "zh": "Trained on lines written for this project and their corruptions.",
}


def english_lines(archive: Path, held_out: bool = False, seed: int = _SEED) -> list[str]:
    """Take headlines of one side of the archive: tests are dealt whole, a quarter of them held out."""
    tests = headline_tests(archive)
    names = sorted({o.group for o in tests})
    held = {names[i] for i in np.random.default_rng(seed).permutation(len(names))[: len(names) // 4]}
    inside = {o.text for o in tests if o.group not in held}
    found = {o.text for o in tests if o.group in held} - inside if held_out else inside
    return sorted(text for text in found if len(text.split()) >= 5)


def chinese_lines() -> list[str]:
    """Take the lines written for this project."""
    text = resources.files("generators.texts.data").joinpath("lines_zh.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip()]


def packaged_document(model: QualityModel, lines: list[str]) -> dict[str, Any]:
    """Describe a head for the package."""
    if not isinstance(model.classifier, TextClassifier):
        raise InvalidInput("expected a head on frozen features", field="model")
    return {
        "schema": SCHEMA,
        "notice": _NOTICE[model.language],
        "features": model.classifier.embedder.name,
        "training": {"texts": len(lines), "digest": training_digest(lines)},
        "head": model.classifier.head.to_document(),
    }


def main() -> None:
    """Write both heads into the package."""
    data = Path(os.environ.get("ARMSREACH_DATA") or "../shared/data")
    english = english_lines(data / "upworthy" / "upworthy_clean_exploratory.parquet")
    chosen = np.random.default_rng(_SEED).permutation(len(english))[:_ENGLISH]
    for language, lines in (("en", [english[i] for i in sorted(chosen)]), ("zh", chinese_lines())):
        model = QualityModel.trained(lines, language, seed=_SEED)
        text = json.dumps(packaged_document(model, lines), indent=1, ensure_ascii=False) + "\n"
        path = Path(str(resources.files("generators.texts.data"))) / f"quality_{language}.json"
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
