"""Read a name out of a Chinese catalogue title, which is written for a search engine and not for a reader."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from generators.data import load_toml

_HAN = "\u3400-\u9fff"
_LATIN_ALIAS = re.compile(rf"^[A-Za-z][A-Za-z'’.&\- ]{{3,}}[/·]?\s*(?=[{_HAN}])")
_MEASURE = r"(?:\d+(?:\.\d+)?\s*(?:ml|g|kg|l|mm|cm|毫升|克|片|支|瓶|粒|枚|包|袋|只|个|抽|张)(?:装)?)"
_LONGEST = 20
_BARE_MEASURE = re.compile(rf"{_MEASURE}", re.IGNORECASE)
_BROKEN = re.compile(r"[\u3100-\u312f\ufffd*×]|(?<![0-9])\.[0-9]|[（(【\[][^）)】\]]*$")


@lru_cache(maxsize=4096)
def chinese_names(title: str, brand: str) -> tuple[str, ...]:
    """Return names of a product, the fullest first.

    Args:
        title: The title without what stands in brackets.
        brand: The brand, or empty; its Latin alias before the Chinese one is dropped.

    The name is the first run of the title that has the word for the thing in it, up to that word, a set or a measure:
    "CHANDO/自然堂 雪域精粹滋润霜50g 补水保湿 滋润面霜" is 自然堂雪域精粹滋润霜50g. What follows is keywords.
    """
    runs = _runs(title, brand)
    if not runs:
        return ()
    first = next(
        (i for i, run in enumerate(runs) if _thing(run) or _sets().search(run)), int(runs[0] == brand and len(runs) > 1)
    )
    # A short run before the one that names the thing belongs to it: brand, line, then the thing.
    full = "".join(_joined(runs[: first + 1])) if sum(map(len, runs[: first + 1])) <= 30 else runs[first]
    if first + 1 < len(runs) and _BARE_MEASURE.fullmatch(runs[first + 1]):
        full += runs[first + 1]
    full = _trimmed(full)
    cut = _cut(full)
    # Past some twenty characters a title repeats itself; the cut one says the same.
    names = [*([] if cut and len(full) > _LONGEST else [full]), cut, _short(title, full, brand)]
    return tuple(dict.fromkeys(name for name in names if name and not _BROKEN.search(name)))


def _runs(title: str, brand: str) -> list[str]:
    text = _LATIN_ALIAS.sub("", title.strip())
    if brand:
        text = re.sub(rf"[A-Za-z][A-Za-z'’＇.&\-]*[/·]?\s*(?={re.escape(brand)})", "", text)
        text = re.sub(rf"(?:{re.escape(brand)}[\s/·]*){{2,}}", brand, text)
        text = re.sub(rf"(?<={re.escape(brand)})\s*[A-Za-z]{{4,}}(?: [A-Za-z]{{3,}})?\s*(?=[{_HAN}])", " ", text)
    text = re.sub(r"^\d[支瓶盒件](?:装|包邮)?[*\s]*", "", _promo().sub(" ", text).strip())
    text = re.sub(rf"(?<=[{_HAN}])[-·](?=[{_HAN}])", "", text)
    return [run for run in (run.strip('-·/,，、+&*!！:：“”"') for run in text.split()) if run]


def _bare(run: str) -> str:
    """Take joining signs off both ends; the plus of PA++ is a grade."""
    run = run.strip('-·/,，、&*!！:：“”"').lstrip("+")
    return run if re.search(r"PA\++$", run) else run.rstrip("+/")


def _joined(runs: list[str]) -> list[str]:
    """Keep a space only between two Latin words."""
    joined: list[str] = []
    for run in runs:
        gap = " " if joined and joined[-1][-1:].isascii() and run[0].isascii() else ""
        joined.append(gap + run)
    return joined


def _thing(text: str) -> re.Match[str] | None:
    return _things().search(text)


def _trimmed(name: str) -> str:
    """Take keywords off the end while the thing is still named."""
    while match := _stuffing().search(name):
        shorter = name[: match.start()].rstrip("-·/,，、+& ")
        if not (_thing(shorter) or _sets().search(shorter)) or len(shorter) < 4:
            return name
        name = shorter
    return name


def _cut(name: str) -> str:
    """Cut a long name after its first set, else after the thing and its measure; a set stays a set."""
    if len(name) <= 16:
        return name
    sets = _sets().search(name)
    if sets and sets.end() <= 24:
        return name[: sets.end()]
    thing = next((m for m in _things().finditer(name) if m.end() >= 6), None)
    if thing is None:
        return ""
    measure = re.match(rf"\s*{_MEASURE}", name[thing.end() :], re.IGNORECASE)
    end = thing.end() + (measure.end() if measure else 0)
    return name[:end] + ("套装" if sets else "")


def _short(title: str, full: str, brand: str) -> str:
    """Return brand and thing alone: 自然堂面霜."""
    if _sets().search(title):
        return f"{brand}套装" if brand else ""
    # The last one names it: 气垫唇颊两用腮红 is a rouge.
    # The last thing of the name is the thing: 气垫唇颊两用腮红 is a rouge. Keywords after the name come second.
    found = [*_things().findall(title.replace(full, "")), *_things().findall(full)]
    thing = next((word for word in reversed(found) if len(word) > 1), "")
    return brand + thing if brand and thing else ""


@cache
def _promo() -> re.Pattern[str]:
    return _longest_first("promo")


@cache
def _sets() -> re.Pattern[str]:
    return _longest_first("sets")


@cache
def _stuffing() -> re.Pattern[str]:
    effects = f"[{_HAN}]{{2,4}}(?:肌肤|肤色|肤质|毛孔|细纹|皱纹|唇纹|干裂)"
    return re.compile(f"(?:{_longest_first('stuffing').pattern}|{effects})$")


@cache
def _things() -> re.Pattern[str]:
    """Words for things; a single character counts only where the name ends or a measure follows."""
    words = sorted(load_toml("names_zh.toml")["things"], key=len, reverse=True)
    return re.compile("|".join(map(re.escape, words)) + r"|[霜膏液水乳露皂贴刷笔油粉](?=$|[0-9\s+/（(])")


def _longest_first(name: str) -> re.Pattern[str]:
    words = sorted(load_toml("names_zh.toml")[name], key=len, reverse=True)
    return re.compile("|".join(map(re.escape, words)))
