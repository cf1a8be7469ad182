"""Comment readers on sentences written after their lists and seeds were done."""

from __future__ import annotations

import numpy as np

from generators.feedback import Opinion, OpinionModel
from generators.feedback.comment_language import LANGUAGES
from generators.feedback.cues import TOPICS
from generators.feedback.intervals import wilson
from generators.feedback.lexicon import lexicon
from generators.feedback.packaged import PACKAGED
from generators.feedback.seeds import MOODS, Seed, read_seeds

WORTH = {"no": 0.0, "maybe": 0.5, "yes": 1.0}
_NEUTRAL = 0.1


def measure_feedback() -> None:
    for language in LANGUAGES:
        _reference(language, read_seeds(f"check_{language}.tsv"))
    for language, encoder in PACKAGED:
        held = read_seeds(f"check_{language}.tsv")
        read = OpinionModel.packaged(language, encoder).read([seed.text for seed in held])
        _print(language, f"lists and {encoder}", held, read)


def _reference(language: str, held: list[Seed]) -> None:
    moods = [seed.mood for seed in read_seeds(f"seed_{language}.tsv")]
    common = max(MOODS, key=moods.count)
    print(f"RESULT feedback {language} most_frequent mood {_share([seed.mood == common for seed in held])} (reference)")
    values = [lexicon(language).mood(seed.text).mood for seed in held]
    said = ["positive" if v > _NEUTRAL else "negative" if v < -_NEUTRAL else "neutral" for v in values]
    right = [a == b.mood for a, b in zip(said, held, strict=True)]
    print(f"RESULT feedback {language} lexicon_alone mood {_share(right)}")


def _print(language: str, name: str, held: list[Seed], read: list[Opinion]) -> None:
    both = list(zip(read, held, strict=True))
    found = [(topic in o.topics, topic in s.topics) for o, s in both for topic in TOPICS]
    hits = sum(a and b for a, b in found)
    f1 = 2 * hits / max(sum(a for a, _ in found) + sum(b for _, b in found), 1)
    per_mood = [_f1([(o.sentiment == mood, s.mood == mood) for o, s in both]) for mood in MOODS]
    print(
        f"RESULT feedback {language} {name} sentences {len(held)}"
        f" mood {_share([o.sentiment == s.mood for o, s in both])}"
        f" mood_macro_f1 {np.mean(per_mood):.3f} topic_micro_f1 {f1:.3f}"
        f" intent {_share([o.intent == s.intent for o, s in both])}"
        f" buys_mean_error {np.mean([abs(o.buys - WORTH[s.buys]) for o, s in both]):.3f}"
        f" mood_log_loss {-np.mean([np.log(o.moods[s.mood]) for o, s in both]):.3f}",
        flush=True,
    )


def _f1(found: list[tuple[bool, bool]]) -> float:
    return 2 * sum(a and b for a, b in found) / max(sum(a for a, _ in found) + sum(b for _, b in found), 1)


def _share(right: list[bool]) -> str:
    i = wilson(sum(right), len(right))
    return f"{i.value:.3f} [{i.low:.3f}, {i.high:.3f}]"
