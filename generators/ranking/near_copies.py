"""Near-copies of examples: a brand's old copy, or the lines that a model was shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from engine.extras import require

# So much of two lines has to agree, of 100.
_ALIKE = 85.0


class NearCopies:
    """Finds hooks that repeat an example with a word or two changed.

    Both are compared without case, accents, spaces and signs, so that a comma does not hide a copy. An example that
    stands inside a longer hook counts too, if it is long enough to be somebody's line.
    """

    def __init__(self, examples: Iterable[str], *, alike: float = _ALIKE) -> None:
        """Take the examples.

        Args:
            examples: Lines that may not be repeated; empty ones are left out.
            alike: Least likeness of a copy, of 100, by edit distance over the letters (insertions and deletions).
        """
        require("generators", "rapidfuzz")
        self._examples = [plain for example in dict.fromkeys(examples) if (plain := _letters(example))]
        self._alike = alike

    def reason(self, hook: str) -> str:
        """Return why the hook is a copy, or an empty string."""
        from rapidfuzz import fuzz, process

        plain = _letters(hook)
        if not plain or not self._examples:
            return ""
        if process.extractOne(plain, self._examples, scorer=fuzz.ratio, score_cutoff=self._alike):
            return "copies an example"
        long = 8 if any("\u3400" <= c <= "\u9fff" for c in plain) else 20
        if any(len(example) >= long and example in plain for example in self._examples):
            return "copies an example"
        return ""


def _letters(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return re.sub(r"[\W_]+", "", "".join(c for c in decomposed if not unicodedata.combining(c)))
