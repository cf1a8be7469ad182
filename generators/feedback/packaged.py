"""The heads that come with this package: `data/heads_*.json`, written by `make feedback-heads`."""

from __future__ import annotations

import json
from functools import cache

from engine.core.errors import CorruptState
from generators.feedback.data import read_text
from generators.texts.head import LogisticHead

PACKAGED = (("en", "chargram"), ("zh", "chargram"), ("en", "minilm"))
"""Language and encoder of each set of heads."""
SCHEMA = "armsreach.feedback-heads.v1"


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
    if document["schema"] != SCHEMA or document["features"] != features:
        raise CorruptState(f"heads of {language}: expected {SCHEMA} on {features}; run make feedback-heads")
    return {name: LogisticHead.from_document(head) for name, head in document["heads"].items()}
