"""Quality and speed of generated copy on the two real catalogues.

Prints, for English with the packaged model and for Chinese with the template grammar: the share of shown variants
that pass the strict fact check and every other check, the share with a banned claim, duplicates and near-duplicates,
how often the grammar had to step in, length violations, how many drafts each check stopped, and verified variants a
minute. The reference of the model's run is the template backend on the same briefs.

    python benchmarks/copy_quality.py [--briefs 200] [--count 2] [--backend smollm2]
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from generators.brief import Brief  # noqa: E402
from generators.embeddings import ChargramEmbedder  # noqa: E402
from generators.feed import Feed, FeedColumns  # noqa: E402
from generators.hooks import HookModel, TemplateHooks, hook_model  # noqa: E402
from generators.ranking.choice import ranker_for  # noqa: E402
from generators.studio import Studio  # noqa: E402
from generators.verification import ClaimCheck, FactCheck, LengthCheck, Verifier  # noqa: E402
from generators.written import Written  # noqa: E402

SEED = 7


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run gave."""

    asked: int
    shown: int
    strict: int
    passing: int
    from_model: int
    too_long: int
    claims: int
    duplicates: int
    alike: int
    distinct: float
    stopped_by: Counter[str]
    seconds: float


def main() -> None:
    options = _options()
    data = Path(os.environ.get("ARMSREACH_DATA") or ROOT.parent / "shared" / "data")
    feeds = _feeds(data)
    if not feeds:
        print("the catalogues are not under ARMSREACH_DATA; nothing to measure")
        return
    _print_setting(options)
    started = time.perf_counter()
    model = hook_model(options.backend)
    print(f"loaded {model.name} in {time.perf_counter() - started:.1f} s")
    for name, feed in feeds.items():
        briefs = feed.briefs(options.briefs, every=options.every)
        reference = _measure(TemplateHooks(), briefs, options.count)
        _print(name, _measure(model, briefs, options.count), reference, model.languages >= {briefs[0].language})


def _measure(model: HookModel, briefs: list[Brief], count: int) -> Figures:
    studio = Studio(model, seed=SEED, ranker=ranker_for(model, ChargramEmbedder()))
    started = time.perf_counter()
    written = studio.write(briefs, count)
    seconds = time.perf_counter() - started
    verifier, strict = Verifier(), Verifier([FactCheck()])
    lengths, claims = Verifier([LengthCheck()]), Verifier([ClaimCheck()])
    texts = [tuple(item.draft.strings()) for item in written]
    return Figures(
        asked=studio.report.asked,
        shown=len(written),
        strict=sum(not strict.findings(i.draft, i.request.brief) for i in written),
        passing=sum(not verifier.findings(i.draft, i.request.brief) for i in written),
        from_model=studio.report.from_model,
        too_long=sum(bool(lengths.findings(i.draft, i.request.brief)) for i in written),
        claims=sum(bool(claims.findings(i.draft, i.request.brief)) for i in written),
        duplicates=len(texts) - len(set(texts)),
        alike=_alike(written),
        distinct=_distinct([i.draft.hook for i in written], written[0].request.brief.language),
        stopped_by=Counter(finding.check for finding in studio.report.findings),
        seconds=seconds,
    )


def _alike(written: list[Written]) -> int:
    """Count pairs of one brief whose hooks agree in nine of ten n-grams."""
    by_brief: dict[str, list[str]] = {}
    for item in written:
        by_brief.setdefault(item.request.brief.id, []).append(item.draft.hook)
    embedder, pairs = ChargramEmbedder(1024), 0
    for hooks in by_brief.values():
        likeness = embedder.embed(hooks) @ embedder.embed(hooks).T
        pairs += int((np.triu(likeness, 1) >= 0.9).sum())
    return pairs


def _distinct(hooks: list[str], language: str) -> float:
    """Share of distinct pairs of neighbouring words (Chinese: characters) among all (distinct-2, Li et al. 2016)."""
    words = [list(hook) if language == "zh" else hook.lower().split() for hook in hooks]
    pairs = [pair for line in words for pair in pairwise(line)]
    return len(set(pairs)) / max(len(pairs), 1)


def _print(name: str, got: Figures, reference: Figures, able: bool) -> None:
    fallback = 1 - got.from_model / max(got.shown, 1)
    rows = [
        (f"{name}_strict_facts", got.strict / max(got.shown, 1), "1", reference.strict / max(reference.shown, 1)),
        (f"{name}_all_checks", got.passing / max(got.shown, 1), "1", reference.passing / max(reference.shown, 1)),
        (f"{name}_shown_of_asked", got.shown / got.asked, "0.99", reference.shown / reference.asked),
        (f"{name}_length_violations", got.too_long, "0", reference.too_long),
        (f"{name}_banned_claims", got.claims / max(got.shown, 1), "0", reference.claims / max(reference.shown, 1)),
        (f"{name}_duplicates", got.duplicates, "0", reference.duplicates),
        (f"{name}_near_duplicate_pairs", got.alike, "0", reference.alike),
        (f"{name}_distinct_2", got.distinct, "0.1", reference.distinct),
        (f"{name}_verified_a_minute", 60 * got.shown / got.seconds, "30", 60 * reference.shown / reference.seconds),
    ]
    if able:
        rows.append((f"{name}_template_fallback", fallback, "0.5", 0.0))
    stopped = ", ".join(f"{check} {number}" for check, number in got.stopped_by.most_common()) or "none"
    print(f"\n{name}: {got.shown} shown; findings that stopped drafts before they were shown: {stopped}")
    for key, value, target, other in rows:
        upper = key.endswith(("violations", "duplicates", "pairs", "claims", "fallback"))
        fine = value <= float(target) if upper else value >= float(target)
        print(f"RESULT name={key} value={value:.4g} target={target} reference={other:.4g} {'ok' if fine else 'short'}")


def _feeds(data: Path) -> dict[str, Feed]:
    bigbasket = FeedColumns(
        title="product", price="sale_price", list_price="market_price", id="index", category="sub_category"
    )
    feeds = {
        "english": Feed(data / "bigbasket" / "BigBasket_Products.csv.gz", bigbasket, "en", "INR"),
        "chinese": Feed(
            data / "taobao_beauty" / "double11_taobao_beauty_gbk.csv.gz",
            FeedColumns(brand="店名"),
            "zh",
            "CNY",
            "gb18030",
        ),
    }
    return {name: feed for name, feed in feeds.items() if feed.path.is_file()}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--briefs", type=int, default=200)
    parser.add_argument("--count", type=int, default=2)
    parser.add_argument("--every", type=int, default=17)
    parser.add_argument("--backend", default="smollm2")
    return parser.parse_args()


def _print_setting(options: argparse.Namespace) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    print(f"command: {' '.join(sys.argv)}  commit: {commit.stdout.strip()}  seed: {SEED}")
    print(f"cpus: {os.cpu_count()} {platform.machine()}  python {platform.python_version()}  babel {version('babel')}")
    print(f"briefs: {options.briefs} a catalogue, {options.count} variants each, backend {options.backend}")


if __name__ == "__main__":
    main()
