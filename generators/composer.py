"""Compose finished strings from a hook, the brief's facts and the frames of its language."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from generators.brief import Brief
from generators.channel_limits import FieldLimit, channel_limits
from generators.data import load_toml
from generators.draft import Draft
from generators.emoji_policy import emoji_in
from generators.facts import Facts
from generators.product_names import ProductNames
from generators.verification import ClaimCheck, FormCheck, LengthCheck, ProfanityCheck

LEADS = ("hook", "deal", "product")
# Fullest name tried first; a phone's line has room for the shorter ones only.
_LONGEST_SIGNATURE = 20
_NAME_LENGTHS = {"en": (64, 40, 26, 16), "zh": (28, 20, 14, 9)}


class Composer:
    """Writes a `Draft`; only code puts facts into it.

    A frame is picked by seed, brief and variant number. Where it does not fit the channel, shorter names and then the
    frames after it are tried.
    """

    def __init__(self) -> None:
        self._fits = LengthCheck()
        self._name_checks = (ClaimCheck(), ProfanityCheck(), FormCheck())

    def compose(self, brief: Brief, hook: str, *, tone: str, lead: str, key: str) -> Draft:
        """Write every channel of the brief.

        Args:
            brief: The facts.
            hook: The opening line.
            tone: Tone of closings and calls to action.
            lead: What comes first, one of `LEADS`.
            key: Picks among frames; equal keys give equal drafts.
        """
        frames = load_toml(f"copy_{brief.language}.toml")["frames"]
        names = self._standing(brief)
        channels = {
            channel: {
                field: self._string(
                    brief, names, frames[channel][field][lead], limit, hook, tone, f"{key}/{channel}/{field}"
                )
                for field, limit in channel_limits()[channel].items()
            }
            for channel in brief.channels
        }
        return Draft(channels=self._decorate(brief, channels, tone, key), hook=hook, tone=tone, lead=lead)

    def _decorate(
        self, brief: Brief, channels: dict[str, dict[str, str]], tone: str, key: str
    ) -> dict[str, dict[str, str]]:
        """Put an emoji at the end of one string a channel, where the brief's policy and the tone call for one."""
        rules = load_toml("emoji.toml")
        turns = rules["tones"][tone]
        if not turns or _number(f"{key}/emoji") % turns:
            return channels
        for place in rules["places"]:
            channel, field = place.split(".")
            text = channels.get(channel, {}).get(field, "")
            if not text or emoji_in("".join(channels[channel].values())) or not brief.emoji.room_in(channel):
                continue
            sign = _pick(brief.emoji.allowed, f"{key}/{channel}/emoji")
            # An SMS ends with its way out; the sign goes before it.
            optout = load_toml(f"copy_{brief.language}.toml")["optout"]
            body, tail = (text[: -len(optout)].rstrip(), optout) if text.endswith(optout) else (text, "")
            gap = "" if brief.language == "zh" else " "
            marked = f"{body}{gap}{sign}{gap if tail else ''}{tail}"
            if not self._fits.reasons(marked, brief, channel_limits()[channel][field]):
                channels[channel][field] = marked
        return channels

    def _string(
        self,
        brief: Brief,
        names: ProductNames,
        frames: Sequence[Sequence[str]],
        limit: FieldLimit,
        hook: str,
        tone: str,
        key: str,
    ) -> str:
        """Return the first frame and name that fit, or the last one tried."""
        text = ""
        named = list(self._slots(brief, names, limit, hook, tone, key))
        # The generic name comes after everything else: a short frame that names the product says more.
        for choices in (named[:-1], named[-1:]):
            for frame in (*_from(frames[0], key), *(short for rest in frames[1:] for short in rest)):
                for slots in choices:
                    filled = _filled(frame, slots)
                    if filled is not None and not self._fits.reasons(filled, brief, limit):
                        return filled
                    text = filled or text
        return text

    def _slots(
        self, brief: Brief, names: ProductNames, limit: FieldLimit, hook: str, tone: str, key: str
    ) -> Iterator[dict[str, str]]:
        """Yield slot values with ever shorter names; a name or brand that makes a claim is left out."""
        words = load_toml(f"copy_{brief.language}.toml")
        facts = Facts.of(brief, sms=bool(limit.max_segments)).slots
        brand = names.brand
        sender = brief.sender or brand
        deals = words["deal"][f"order_{brief.offer.kind.value}" if brief.is_on_order else brief.offer.kind.value]
        fixed = dict(facts) | {
            "hook": hook,
            "hook_bare": hook.rstrip(".。"),
            "brand_prefix": words["brand_prefix"].format(brand=sender) if sender else "",
            "signature": f"【{sender}】" if sender and len(sender) <= _LONGEST_SIGNATURE else "",
            "code": _first(words["code"], facts, key) if brief.offer.code else "",
            "end": _first(words["end"], facts, key) if brief.offer.ends else "",
            "terms": ("" if brief.language == "zh" else " ") + facts["terms"] if facts.get("terms") else "",
            "closing": _pick(_in_time(words["closing"][tone], brief, words), key),
            "cta": _pick(_in_time(words["cta"][tone], brief, words), key),
            "optout": words["optout"],
        }
        for name, text in (
            ("deal", _first(deals["long"], facts, key)),
            ("deal_short", _first(deals["short"], facts, key)),
        ):
            fixed |= {name: text, name.capitalize(): _capital(text)}
        for name in _by_length(names, brief.language, words["generic_name"]):
            yield fixed | _named(name, brand, brief.language, words)

    def _standing(self, brief: Brief) -> ProductNames:
        """Return the product's names and brand without those that make a claim."""
        names = ProductNames.of(brief)
        brand = names.brand if self._may_stand(names.brand, brief) else ""
        return ProductNames(tuple(name for name in names.all if self._may_stand(name, brief)), brand)

    def _may_stand(self, words: str, brief: Brief) -> bool:
        """Say whether the catalogue's own words may stand in an advertisement."""
        return bool(words.strip()) and not any(
            check.reasons(words.strip(), brief, FieldLimit()) for check in self._name_checks
        )


def _in_time(lines: Sequence[str], brief: Brief, words: Mapping[str, Any]) -> list[str]:
    """Leave out "take all the time you like" where the offer has a last day."""
    return [line for line in lines if not (brief.offer.ends and line in words["no_end"])]


def _named(name: str, brand: str, language: str, words: Mapping[str, Any]) -> dict[str, str]:
    """Return the slots of one name; a brand that stands in the name is not said twice."""
    generic = name == words["generic_name"]
    own_brand = brand if brand and brand.casefold() not in name.casefold() else ""
    shown = name
    if own_brand and language == "zh" and not generic:
        # Two Latin words do not run together in Chinese copy either.
        gap = " " if own_brand[-1].isascii() and name[0].isascii() else ""
        shown = own_brand + gap + name
    if generic and own_brand and "generic_of_brand" in words:
        shown = words["generic_of_brand"].format(brand=own_brand)
    named = {"name": shown, "Name": _capital(shown) if generic else shown}
    # "by By Nature" stutters.
    stutters = own_brand.casefold().startswith(f"{words['by'].split('{')[0].strip()} ")
    named["by"] = words["by"].format(brand=own_brand) if own_brand and not stutters else ""
    return named if own_brand or not brand else named | {"brand_prefix": ""}


def _by_length(names: ProductNames, language: str, generic: str) -> list[str]:
    """Return ever shorter names, and the generic one last."""
    found = [names.fitting(longest) for longest in _NAME_LENGTHS[language]]
    return [*dict.fromkeys(name for name in found if name), generic]


def _filled(frame: str, slots: Mapping[str, str]) -> str | None:
    """Fill a frame, or return None where the brief has nothing for one of its slots."""
    names = {name for _, name, _, _ in string.Formatter().parse(frame) if name}
    if not names <= slots.keys():
        return None
    text = frame.format_map(slots)
    return " ".join(text.split())


def _first(patterns: Sequence[str], facts: Mapping[str, str], key: str) -> str:
    """Return a pattern that the facts can fill, beginning at the picked one."""
    return next(text for pattern in _from(patterns, key) if (text := _filled_clause(pattern, facts)) is not None)


def _filled_clause(pattern: str, facts: Mapping[str, str]) -> str | None:
    text = _filled(pattern, facts)
    # A clause keeps the space that parts it from the sentence before.
    return text if text is None or not pattern.startswith(" ") else f" {text}"


def _from(options: Sequence[str], key: str) -> Sequence[str]:
    """Rotate options to begin at the picked one; what stood before it comes last."""
    start = _number(key) % len(options)
    return [*options[start:], *options[:start]]


def _pick(options: Sequence[str], key: str) -> str:
    return options[_number(key) % len(options)]


def _number(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest())


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def frame_version(language: str) -> str:
    """Return the version of a language's frames, for provenance."""
    data: dict[str, Any] = load_toml(f"copy_{language}.toml")
    return str(data["version"])
