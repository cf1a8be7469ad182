"""What a single token can show is masked; what spells the language stays."""

from __future__ import annotations

import pytest

from generators.hooks.banned_words import BannedWords
from generators.hooks.token_mask import TokenMask
from generators.hooks.vocabulary import Vocabulary


class ByteTokenizer:
    """Byte-level tokens, as GPT-2 writes them."""

    all_special_ids = (0,)
    eos_token_id = 0

    def __init__(self, texts: list[bytes]) -> None:
        printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
        others = [byte for byte in range(256) if byte not in printable]
        letters = {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(others)}
        self.tokens = ["<|end|>", *("".join(letters[b] for b in text) for text in texts)]

    def __len__(self) -> int:
        return len(self.tokens)

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [self.tokens[i] for i in ids]


class MarkTokenizer(ByteTokenizer):
    """Sentencepiece tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = ["</s>", *tokens]


def allowed(texts: list[bytes], language: str) -> set[bytes]:
    # A space before a letter is what tells the two spellings apart; a figure is barred in both languages.
    vocabulary = Vocabulary.of(ByteTokenizer([*texts, b" 0"]), len(texts) + 5)
    assert vocabulary.pieces[1 : len(texts) + 1] == tuple(texts)
    mask = TokenMask.of(vocabulary, language, BannedWords())
    assert set(mask.stop_ids) <= set(mask.allowed)
    return {vocabulary.pieces[i] for i in set(mask.allowed) - set(mask.stop_ids)}


def test_both_spellings_are_read() -> None:
    byte = Vocabulary.of(ByteTokenizer([b" tea", b"\n", b"\n\n", "茶".encode(), b"\xe8"]), 8)
    assert byte.pieces == (b"", b" tea", b"\n", b"\n\n", "茶".encode(), b"\xe8", b"", b"")
    assert byte.stop_ids == (0, 2, 3)
    mark = Vocabulary.of(MarkTokenizer(["▁tea", "s", "<0x0A>", "<0xE8>", "▁"]), 6, (5,))
    assert mark.pieces == (b"", b" tea", b"s", b"\n", b"\xe8", b" ")
    assert mark.stop_ids == (0, 5, 3)


def test_english_keeps_plain_words_and_bars_figures_signs_and_claims() -> None:
    plain = [b" tea", b"ing", b" Mug", b",", b".", b"'s", b"-", b" winter"]
    barred = [b" 3", b"20", b"%", b" $", b"(", b'"', b" caf\xc3\xa9", "茶".encode(), b"\xe8", b" a b"]
    claims = [b" best", b" free", b" discount", b" seven", b" cheapest", b" organic"]
    assert allowed(plain + barred + claims, "en") == set(plain)


def test_a_banned_word_inside_a_word_stays() -> None:
    assert allowed([b"off", b" off", b"ee", b" t"], "en") == {b"off", b"ee", b" t"}


def test_chinese_keeps_characters_and_the_bytes_they_are_made_of() -> None:
    signs = [sign.encode() for sign in "，。！？"]
    whole = ["茶".encode(), "厨房".encode(), "。".encode()]
    # 茶 is E8 8C B6: its beginning, its end, and an end that runs into the next beginning.
    parts = [b"\xe8", b"\xe8\x8c", b"\x8c\xb6", b"\xb6", b"\xb6\xe5", "\u8336".encode() + b"\xe6"]
    barred = [
        b"tea",
        b"3",
        "３".encode(),
        "茶3".encode(),
        "か".encode(),
        "元".encode(),
        "最佳".encode(),
        b"\xef",
        b"\xef\xbc",
        b"\xe3",
    ]
    barred += [b"\xc3", b"\xf0", b"\xff", b"\xb6tea"]
    assert allowed([*signs, *whole, *parts, *barred], "zh") == {*signs, *whole, *parts}


def test_without_whole_signs_their_bytes_have_to_do() -> None:
    assert allowed([b"\xef", b"\xbc", b"\x8c", b"\xe3", b"\xc3"], "zh") == {b"\xef", b"\xbc", b"\x8c", b"\xe3"}


@pytest.mark.parametrize("words", [[], ["tea"], ["tea", "best", "mug"], [f"word{i}" for i in range(300)] + ["free"]])
def test_banned_words_are_found_one_by_one(words: list[str]) -> None:
    assert BannedWords().among(words) == {"best", "free"} & set(words)
