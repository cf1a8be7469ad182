"""The heads that come with this package: `data/heads_*.json`, written by `python -m generators.feedback.packaged`."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path

from engine.core.errors import CorruptState
from generators.embeddings import EncoderEmbedder
from generators.feedback.data import read_text
from generators.texts.head import LogisticHead
from generators.texts.model_folder import training_digest

PACKAGED = (("en", "chargram"), ("zh", "chargram"), ("en", "minilm"))
"""Language and encoder of each set of heads."""
_SCHEMA = "armsreach.feedback-heads.v1"


@cache
def packaged_heads(language: str, encoder: str, features: str) -> dict[str, LogisticHead]:
    """Read the heads of a language.

    Args:
        language: `en` or `zh`.
        encoder: `chargram` or `minilm`.
        features: Name of the features that they are to stand on.

    Raises:
        CorruptState: They stand on other features: they were not trained anew after a change.
    """
    document = json.loads(read_text(f"heads_{language}_{encoder}.json"))
    if document["schema"] != _SCHEMA or document["features"] != features:
        raise CorruptState(f"heads of {language}: expected {_SCHEMA} on {features}; run make feedback-heads")
    return {name: LogisticHead.from_document(head) for name, head in document["heads"].items()}


def write_heads(folder: Path) -> None:
    """Train all heads on the seeds and write them; the same seeds give the same heads."""
    from generators.feedback.reader_model import OpinionModel

    for language, encoder in PACKAGED:
        model = OpinionModel.trained(language, EncoderEmbedder.minilm() if encoder == "minilm" else None)
        document = {
            "schema": _SCHEMA,
            "features": model.features.name,
            "training": {
                "file": f"seed_{language}.tsv",
                "digest": training_digest(read_text(f"seed_{language}.tsv").splitlines()),
            },
            "heads": {name: head.to_document() for name, head in model.heads.items()},
        }
        text = json.dumps(document, indent=1) + "\n"
        (folder / f"heads_{language}_{encoder}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_heads(Path(str(resources.files("generators.feedback.data"))))
