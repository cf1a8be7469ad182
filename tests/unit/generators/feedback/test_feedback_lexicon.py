"""Moods from word lists, checked by hand."""

from __future__ import annotations

import math

import pytest

from generators.feedback import Lexicon, comment_language
from generators.feedback.lexicon import lexicon


def norm(total: float) -> float:
    return total / math.sqrt(total * total + 4.0)


@pytest.mark.parametrize(
    ("language", "text", "total"),
    [
        ("en", "good", 2.0),
        ("en", "not good", -2.0),
        ("en", "very good", 2.0 * 1.3),
        ("en", "a bit slow", -1.0 * 0.6),
        ("en", "not a good, good pan", 2.0 * -0.75 + 2.0),
        ("en", "good but awful", 0.5 * 2.0 + 1.5 * -3.0),
        ("en", "nothing to complain about", 1.0),
        ("en", "it isn't bad", 1.0),
        ("en", "the pan is grey", 0.0),
        ("zh", "满意", 2.0),
        ("zh", "没有满意", 2.0 * -0.75),
        ("zh", "不满意", -2.0),
        ("zh", "很温和", 2.0 * 1.3),
        ("zh", "漂亮，但是漏水", 0.5 * 2.0 + 1.5 * -2.0),
        ("zh", "衬衫是灰色的", 0.0),
        ("en", "😍", 3.0),
        ("zh", "👎", -2.0),
        # Negation reaches over little words, twice is back, and 不得不 is none.
        ("en", "not at all a really good pan", 2.0 * -0.75),
        ("en", "nobody is without sturdy", 2.0 * 0.75**2),
        ("zh", "并不是那么满意", 2.0 * -0.75),
        ("zh", "没有不满意", -2.0 * -0.5),
        ("zh", "不得不买，满意", 2.0),
        # What follows a contrast counts more, what yields less; 就是 turns only after a pause.
        ("en", "good, though awful", 0.5 * 2.0 + 1.5 * -3.0),
        ("zh", "漂亮，就是漏水", 0.5 * 2.0 + 1.5 * -2.0),
        ("zh", "这就是垃圾", -2.0),
        ("zh", "虽然漏水，漂亮", 0.5 * -2.0 + 2.0),
        # Wishes and comparisons count as a whole, whatever the words in them.
        ("en", "I wish it were good", -2.0),
        ("en", "not as good as the old one", -2.0),
        ("zh", "要是漂亮就好了", -2.0),
        ("zh", "没有想象中好看", -2.0),
        ("zh", "给一颗星", -3.0),
        ("en", "one star", -3.0),
        # A question says little.
        ("en", "Is it a good pan?", 2.0 * 0.2),
        ("zh", "质量很好吗", 2.0 * 0.2),
        ("zh", "漂不漂亮", 0.0),
    ],
)
def test_by_hand(language: str, text: str, total: float) -> None:
    assert lexicon(language).mood(text).mood == pytest.approx(norm(total)), text


def test_words_say_where_they_stand() -> None:
    text = "Sadly the LOVELY lid broke."
    found = lexicon("en").mood(text)
    assert [text[w.start : w.end] for w in found.words] == ["Sadly", "LOVELY", "broke"]
    chinese = "ｏｋ，包装很漂亮"
    assert [chinese[w.start : w.end] for w in lexicon("zh").mood(chinese).words] == ["ｏｋ", "很漂亮"]


def test_negation_ends_with_the_clause() -> None:
    assert lexicon("en").mood("No, great pan").mood == pytest.approx(norm(2.0)), "the comma parts them"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_word_has_two_valences(language: str) -> None:
    known = Lexicon(language)
    assert known.mood("").words == ()
    from generators.feedback.data import read_toml

    terms = [term for line in read_toml(f"lexicon_{language}.toml")["valence"].values() for term in line.split()]
    assert len(terms) == len(set(terms))


def test_language_by_script() -> None:
    assert comment_language("iPhone壳很好看") == "zh"
    assert comment_language("Love my 茶 set") == "en"
    assert comment_language("👍") == "en"
