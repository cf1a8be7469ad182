"""No swearing."""

from __future__ import annotations

import re
from functools import cache

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.data import load_toml
from generators.verification.folding import folded

_REPEATED = re.compile(r"([a-z])\1{2,}")
_PRICE = re.compile(r"[a-z]{0,3}\$[0-9]+")
_MASKED = re.compile(r"(?<=[a-z])[*#.\-_]+(?=[a-z])")


class ProfanityCheck:
    """Words of `data/profanity.toml`, in both languages whatever the brief's, and their usual disguises.

    Undone are digits and signs for letters ("sh1t", "a$$"), stretched letters ("fuuuck"), spaced-out and look-alike
    letters; a masked letter ("f*ck", "s**t") is taken for any. Whole words only, so that Scunthorpe may buy cocktails.
    """

    name = "profanity"

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:  # noqa: ARG002 - one verb for all checks
        """Return a reason for the first such word."""
        plain = folded(text)
        bare = _chinese_innocent().sub(" ", plain)
        match = _chinese().search(bare)
        if match:
            return [f"{match.group()!r} may not be sent"]
        return next(
            ([f"{word!r} may not be sent"] for word in re.findall(r"[a-z0-9@$!+*#'_\-]+", plain) if _swears(word)), []
        )


def _swears(word: str) -> bool:
    """Say whether one word swears, in one of the ways it can be read."""
    data = load_toml("profanity.toml")
    inner = word.strip("'*#_-!+")
    if inner in data["innocent"] or _PRICE.fullmatch(inner):
        return False
    leet = inner.translate(str.maketrans(data["leet"]["from"], data["leet"]["to"]))
    readings = {inner, leet, leet.replace("l", "i"), leet.replace("i", "l")} if not inner.isdigit() else set()
    readings |= {_REPEATED.sub(r"\1", reading) for reading in readings}
    readings |= {_REPEATED.sub(r"\1\1", reading) for reading in readings}
    readings |= {_MASKED.sub("", reading) for reading in readings}
    if any(_english().fullmatch(reading) for reading in readings):
        return True
    return bool(re.fullmatch(r"[a-z]+[*#]+[a-z]+", inner) and _masks(inner))


def _masks(word: str) -> bool:
    """Say whether a word with letters masked one by one fits a listed one."""
    shape = re.compile("".join("[a-z]" if c in "*#" else re.escape(c) for c in word) + r"\w{0,3}")
    data = load_toml("profanity.toml")
    return any(shape.fullmatch(listed) for listed in (*data["en_stems"], *data["en_words"]))


@cache
def _english() -> re.Pattern[str]:
    data = load_toml("profanity.toml")
    stems = "|".join(re.escape(stem) for stem in data["en_stems"])
    whole = "|".join(re.escape(word) for word in data["en_words"])
    return re.compile(rf"(?:{stems})[a-z]*|(?:{whole})")


@cache
def _chinese() -> re.Pattern[str]:
    return re.compile("|".join(re.escape(word) for word in load_toml("profanity.toml")["zh"]))


@cache
def _chinese_innocent() -> re.Pattern[str]:
    return re.compile("|".join(re.escape(word) for word in load_toml("profanity.toml")["zh_innocent"]))
