"""Text without the disguises that a reader does not notice."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Digits that no price tag uses keep their shape: "$5²" is not "$52", and nobody writes ⑨ for nine.
_ODD_NUMERAL = re.compile(r"([^\x00-\x7f０-９\u3400-\u9fff])")
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_KEYCAP = "\u20e3"
_PICTURED = frozenset("\N{KEYCAP TEN}\N{HUNDRED POINTS SYMBOL}" + _KEYCAP)


@lru_cache(maxsize=4096)
def normalised(text: str) -> str:
    """Fold full-width digits, signs and spaces, so that no figure hides behind its form."""
    # A Chinese comma parts clauses; as a bare ASCII comma it would join two figures into one.
    text = _INVISIBLE.sub("", text.replace("，", ", "))
    pieces = _ODD_NUMERAL.split(text)
    folded = "".join(
        piece if _is_odd_numeral(piece) else unicodedata.normalize("NFKC", piece) if piece else "" for piece in pieces
    )
    return unicodedata.normalize("NFC", folded)


def is_figure(character: str) -> bool:
    """Say whether a reader takes the character for a figure: a digit of any script, a pictured one, a sign of one."""
    return unicodedata.category(character) in ("Nd", "Nl", "No", "Sc") or character in _PICTURED or character in "%‰"


def _is_odd_numeral(piece: str) -> bool:
    return (
        len(piece) == 1
        and not piece.isascii()
        and unicodedata.category(piece) in ("Nd", "Nl", "No")
        and not ("０" <= piece <= "９")
    )
