"""The packaged readers on sentences that leave no doubt."""

from __future__ import annotations

import pytest

from engine.core.errors import InvalidInput
from generators.feedback import Comment, OpinionModel, read_opinions
from generators.feedback.comment_language import LANGUAGES
from generators.feedback.cues import INTENTS
from generators.feedback.seeds import read_seeds
from generators.texts.intents import IntentModel

CASES = [
    # text, mood, topic, words of the topic, more likely to buy than not
    ("The delivery was awful, the parcel came two weeks late.", "negative", "delivery", "delivery", False),
    ("Great price, I ordered two right away!", "positive", "price", "price", True),
    ("物流太慢，包裹晚到了两个星期，很生气。", "negative", "delivery", "物流", False),
    ("价格很划算，非常满意，马上下单了。", "positive", "price", "价格", True),
]


@pytest.mark.parametrize(("text", "mood", "topic", "words", "buys"), CASES)
def test_clear_sentences(text: str, mood: str, topic: str, words: str, buys: bool) -> None:
    language = "zh" if "\u4e00" <= text[0] <= "\u9fff" else "en"
    (item,) = read_opinions([Comment(text, 1, language=language)])
    opinion = item.opinion
    assert opinion.sentiment == mood
    assert (opinion.mood > 0.3) if mood == "positive" else (opinion.mood < -0.3)
    assert topic in opinion.topics
    assert words in [text[span.start : span.end] for span in opinion.evidence[topic]]
    assert (opinion.buys > 0.5) is buys
    assert sum(opinion.moods.values()) == pytest.approx(1.0)


def test_languages_are_read_apart_and_order_is_kept() -> None:
    said = [
        Comment(text, line, language="zh" if line % 2 else "en") for line, text in enumerate(["Love it", "讨厌", "Bad"])
    ]
    steps: list[int] = []
    read = read_opinions(said, progress=steps.append)
    assert [item.comment for item in read] == said
    assert sum(steps) == 3
    assert [item.opinion.language for item in read] == ["en", "zh", "en"]


def test_intents() -> None:
    (first, second) = IntentModel.packaged("en").intents(["How do I return these shoes?", "Unsubscribe me."])
    assert set(first) == set(INTENTS)
    assert sum(first.values()) == pytest.approx(1.0)
    assert max(second, key=lambda intent: second[intent]) == "stop"


def test_there_is_no_reader_of_other_kinds() -> None:
    with pytest.raises(InvalidInput, match="zh on minilm"):
        OpinionModel.packaged("zh", "minilm")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_measured_was_not_trained_on(language: str) -> None:
    seeds = {seed.text for seed in read_seeds(f"seed_{language}.tsv")}
    held = {seed.text for seed in read_seeds(f"check_{language}.tsv")}
    second = {seed.text for seed in read_seeds(f"check2_{language}.tsv")}
    assert len(seeds) == {"en": 482, "zh": 494}[language]
    assert (len(held), len(second)) == (60, 80)
    assert seeds.isdisjoint(held | second)
