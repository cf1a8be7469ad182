"""Which tokens a model may write, by language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from generators.hooks.banned_words import BannedWords
from generators.hooks.vocabulary import Vocabulary

# Letters, spaces and the signs of one plain sentence: no digit, currency, bracket, quote, link or emoji can be drawn.
_ENGLISH = re.compile(r" ?[A-Za-z]+|[,.!?]|'[a-z]{1,2}|'|-")
_CHINESE = re.compile(r"[\u4e00-\u9fff，。！？、；：…—]+")
_CHINESE_SIGNS = "，。！？"
# First bytes of U+4E00-9FFF, and of the signs (U+3000-, U+FF00-, U+2010-).
_HAN_LEADS = frozenset(range(0xE4, 0xEA))
_SIGN_LEADS = frozenset({0xE2, 0xE3, 0xEF})


@dataclass(frozen=True, slots=True)
class TokenMask:
    """The tokens of a plain line of one language, and those that end it.

    It bars what a single token can show: figures, other scripts, words that no hook may hold. Claims that take several
    tokens are the screen's business.

    Attributes:
        allowed: Token ids in rising order, those of `stop_ids` included.
        stop_ids: Tokens that end a line.
    """

    allowed: tuple[int, ...]
    stop_ids: tuple[int, ...]

    @classmethod
    def of(cls, vocabulary: Vocabulary, language: str, banned: BannedWords) -> TokenMask:
        """Look at every token once.

        Args:
            vocabulary: What the tokens spell.
            language: `en` or `zh`.
            banned: Words that no hook may hold.
        """
        fits = _chinese(vocabulary.pieces) if language == "zh" else _english(vocabulary.pieces)
        allowed = {i for i in fits if vocabulary.pieces[i]} - set(vocabulary.stop_ids)
        texts = {i: _text(vocabulary.pieces[i], language) for i in allowed}
        barred = banned.among({text for text in texts.values() if text})
        kept = {i for i in allowed if texts[i] not in barred}
        return cls(tuple(sorted(kept | set(vocabulary.stop_ids))), vocabulary.stop_ids)


def _text(piece: bytes, language: str) -> str:
    """Return what a token says by itself: in English only a token that begins a word does."""
    text = piece.decode("utf-8", "ignore")
    return text.strip() if language == "zh" or text.startswith(" ") else ""


def _english(pieces: Iterable[bytes]) -> Iterator[int]:
    for i, piece in enumerate(pieces):
        if piece.isascii() and _ENGLISH.fullmatch(piece.decode("ascii")):
            yield i


def _chinese(pieces: tuple[bytes, ...]) -> Iterator[int]:
    """Yield tokens of Han characters and Chinese signs, and the pieces of bytes that such characters are made of.

    A vocabulary with the usual signs as whole tokens needs no pieces for them; then the first bytes that could also
    open a full-width digit or kana stay barred.
    """
    whole = set(pieces) >= {sign.encode() for sign in _CHINESE_SIGNS}
    leads = _HAN_LEADS if whole else _HAN_LEADS | _SIGN_LEADS
    return (i for i, piece in enumerate(pieces) if _is_chinese(piece, leads))


def _is_chinese(piece: bytes, leads: frozenset[int]) -> bool:
    """Say whether a piece can stand in a Chinese line: [end of a character] characters [beginning of one]."""
    start = 0
    while start < len(piece) and 0x80 <= piece[start] < 0xC0:
        start += 1
    body, tail = piece[start:], b""
    for size in (1, 2):
        if len(body) >= size and 0xE0 <= body[-size] < 0xF0:
            body, tail = body[:-size], body[-size:]
            break
    if start > 2 or (tail and tail[0] not in leads):
        return False
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    return bool(_CHINESE.fullmatch(text)) if text else bool(start or tail)
