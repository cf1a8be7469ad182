"""How copy for the two real catalogues stands against its rules, and how much of it repeats.

Every brief gets an offer in turn (its own markdown or none, a percentage with a code, a sum off, free delivery, an
offer on the order with terms), so that all ways of stating facts occur. Written by the template grammar; CPU seconds,
as other work on the machine does not count.

Printed: shares of shown variants that pass, claims found again by a fresh check, whole variants that stand twice, the
share that had to call the product by a generic name, distinct-2 (different word pairs over all pairs, Chinese by
character) and the mean likeness of each opening line to the nearest of its brief (Jaccard of character pairs).

    python benchmarks/copy_rules.py [--briefs 200] [--count 3]
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from generators.brief import Brief  # noqa: E402
from generators.data import load_toml  # noqa: E402
from generators.feed import Feed, FeedColumns  # noqa: E402
from generators.hooks import TemplateHooks  # noqa: E402
from generators.offer import Offer, OfferKind  # noqa: E402
from generators.studio import Studio  # noqa: E402
from generators.terms import Terms  # noqa: E402
from generators.verification import ClaimCheck, FactCheck, LengthCheck, Verifier  # noqa: E402
from generators.written import Written  # noqa: E402

SEED = 7
ENDS = date(2026, 11, 30)


def main() -> None:
    options = _options()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    print(f"command: {' '.join(sys.argv)}  commit: {commit.stdout.strip()}  seed: {SEED}")
    print(f"cpus: {os.cpu_count()} {platform.machine()}  python {platform.python_version()}")
    data = Path(os.environ.get("ARMSREACH_DATA") or ROOT.parent / "shared" / "data")
    for name, feed in _feeds(data).items():
        every = {"english": 131, "chinese": 17}[name]
        briefs = [_with_offer(brief, number) for number, brief in enumerate(feed.briefs(options.briefs, every))]
        started = time.process_time()
        studio = Studio(TemplateHooks(), seed=SEED)
        written = studio.write(briefs, options.count)
        seconds = time.process_time() - started
        _print(name, briefs, written, studio.report.asked, seconds)


def _with_offer(brief: Brief, number: int) -> Brief:
    """Give each brief an offer in turn; every sixth keeps its own."""
    price = brief.product.price_minor
    regions = ("上海", "北京") if brief.language == "zh" else ("Goa", "Kerala")
    offers = (
        brief.offer,
        Offer(OfferKind.PERCENT, percent=15, code="GIFT15", ends=ENDS),
        Offer(OfferKind.AMOUNT, amount_minor=price // 5 or 1, ends=ENDS),
        Offer(OfferKind.FREE_SHIPPING, terms=Terms(per_customer=1)),
        Offer(OfferKind.AMOUNT, amount_minor=3000, terms=Terms(19900, 1, True, regions)),
        Offer(OfferKind.PERCENT, percent=5, terms=Terms(29900)),
    )
    return replace(brief, offer=offers[number % len(offers)])


def _print(name: str, briefs: list[Brief], written: list[Written], asked: int, seconds: float) -> None:
    shown, language = max(len(written), 1), briefs[0].language
    strict, claims = Verifier([FactCheck()], []), Verifier([ClaimCheck()], [])
    lengths = Verifier([LengthCheck()], [])
    texts = Counter(tuple(text for _, _, text in item.draft.strings()) for item in written)
    words = load_toml(f"copy_{language}.toml")
    generic = re.compile("|".join((words["generic_name"], "这款[^，。]{1,12}好物")))
    hooks = [item.draft.hook for item in written]
    bodies = [item.draft.channels["email"]["body"] for item in written]
    rows = [
        ("shown_of_asked", len(written) / asked, 0.99, True),
        ("strict_facts", sum(not strict.findings(i.draft, i.request.brief) for i in written) / shown, 1, True),
        ("banned_claims", sum(bool(claims.findings(i.draft, i.request.brief)) for i in written), 0, False),
        ("length_violations", sum(bool(lengths.findings(i.draft, i.request.brief)) for i in written), 0, False),
        ("duplicates", shown - len(texts), 0, False),
        ("generic_name", sum(bool(generic.search(body)) for body in bodies) / shown, 0.05, False),
        ("distinct_hooks", len(set(hooks)) / shown, 0.6, True),
        ("distinct_2_hooks", _distinct_pairs(hooks, language), 0.1, True),
        ("likeness_in_brief", _likeness(written), 0.5, False),
        ("cpu_ms_a_variant", seconds / shown * 1000, 100, False),
    ]
    print(f"\n{name}: {len(written)} of {asked} shown")
    for key, value, target, at_least in rows:
        fine = value >= target if at_least else value <= target
        print(f"RESULT name={name}_{key} value={value:.4g} target={target} {'ok' if fine else 'short'}")


def _distinct_pairs(texts: list[str], language: str) -> float:
    """Return different pairs of neighbours over all pairs. Source: Li et al. 2016, distinct-n."""
    pairs = [pair for text in texts for pair in zip(_units(text, language), _units(text, language)[1:], strict=False)]
    return len(set(pairs)) / max(len(pairs), 1)


def _units(text: str, language: str) -> list[str]:
    return list(text) if language == "zh" else text.split()


def _likeness(written: list[Written]) -> float:
    """Return the mean over hooks of the Jaccard likeness to the nearest other hook of the same brief."""
    by_brief: dict[str, list[set[str]]] = {}
    for item in written:
        hook = item.draft.hook
        by_brief.setdefault(item.request.brief.id, []).append({hook[i : i + 2] for i in range(len(hook) - 1)})
    nearest = [
        max(len(own & other) / len(own | other) for j, other in enumerate(group) if j != i)
        for group in by_brief.values()
        if len(group) > 1
        for i, own in enumerate(group)
    ]
    return sum(nearest) / max(len(nearest), 1)


def _feeds(data: Path) -> dict[str, Feed]:
    bigbasket = FeedColumns(title="product", price="sale_price", list_price="market_price", id="index")
    taobao = data / "taobao_beauty" / "double11_taobao_beauty_gbk.csv.gz"
    feeds = {
        "english": Feed(data / "bigbasket" / "BigBasket_Products.csv.gz", bigbasket, "en", "INR"),
        "chinese": Feed(taobao, FeedColumns(brand="店名"), "zh", "CNY", "gb18030"),
    }
    return {name: feed for name, feed in feeds.items() if feed.path.is_file()}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--briefs", type=int, default=200)
    parser.add_argument("--count", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
