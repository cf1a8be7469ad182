"""Train the heads that come with this package: `make feedback-heads`."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

from generators.embeddings import EncoderEmbedder
from generators.feedback.data import read_text
from generators.feedback.packaged import PACKAGED, SCHEMA
from generators.feedback.reader_model import OpinionModel
from generators.texts.model_folder import training_digest


def write_heads(folder: Path) -> None:
    """Train all heads on the seeds and write them; the same seeds give the same heads."""
    for language, encoder in PACKAGED:
        model = OpinionModel.trained(language, EncoderEmbedder.minilm() if encoder == "minilm" else None)
        document = {
            "schema": SCHEMA,
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
