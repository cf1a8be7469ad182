"""What each token of a tokenizer spells, in bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The bytes that every token adds to the text.

    Decoding a token alone does not tell: a Chinese character may be spread over several tokens, none of which is text.

    Attributes:
        pieces: UTF-8 bytes by token id; empty for special tokens and for ids that the tokenizer does not use.
        stop_ids: Tokens that end a line: end of text, end of turn, and every token that is a line break.
    """

    pieces: tuple[bytes, ...]
    stop_ids: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: Any, size: int, end_ids: tuple[int, ...] = ()) -> Vocabulary:
        """Spell out the tokens of a tokenizer of transformers.

        Byte-level BPE (GPT-2, Llama 3, Qwen) writes each byte as a letter of its own alphabet; sentencepiece (T5,
        Llama 2) writes a space as ▁ and single bytes as <0xE4>.

        Args:
            tokenizer: Fast or slow.
            size: Rows of the model's output, at least as many as the tokenizer has tokens.
            end_ids: Further tokens that end a text, from the model's generation settings.
        """
        tokens = tokenizer.convert_ids_to_tokens(list(range(min(size, len(tokenizer)))))
        special = set(tokenizer.all_special_ids)
        byte_level = sum(token.startswith("Ġ") for token in tokens if token) > sum(
            token.startswith("▁") for token in tokens if token
        )
        spell = _spelled_by_letters(_byte_letters()) if byte_level else _spelled_by_mark
        pieces = [b"" if token is None or i in special else spell(token) for i, token in enumerate(tokens)]
        pieces += [b""] * (size - len(pieces))
        breaks = [i for i, piece in enumerate(pieces) if b"\n" in piece and not piece.strip()]
        ends = [i for i in (tokenizer.eos_token_id, *end_ids) if i is not None and 0 <= i < size]
        return cls(tuple(pieces), tuple(dict.fromkeys([*ends, *breaks])))


def _spelled_by_letters(letters: dict[str, int]) -> Any:
    def spell(token: str) -> bytes:
        values = [letters.get(letter) for letter in token]
        # An added token is plain text and not in the alphabet.
        return token.encode() if None in values else bytes(value for value in values if value is not None)

    return spell


def _spelled_by_mark(token: str) -> bytes:
    match = _BYTE_TOKEN.fullmatch(token)
    return bytes([int(match[1], 16)]) if match else token.replace("▁", " ").encode()


def _byte_letters() -> dict[str, int]:
    """Return the alphabet of byte-level BPE: printable Latin-1 stands for itself, the others from U+0100 on.

    Source: Radford et al. (2019), "Language models are unsupervised multitask learners", section 2.2; `encoder.py` of
    their code.
    """
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}
