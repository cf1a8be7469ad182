"""Quality and speed of generated copy on the two real catalogues.

Prints, for English with the packaged model and for Chinese with the template grammar: the share of shown variants
that pass the strict fact check and every other check, how often the grammar had to step in, duplicates, length
violations, and seconds a variant. The reference of the model's run is the template backend on the same briefs.

    python benchmarks/copy_quality.py [--briefs 100] [--count 2] [--backend smollm2]
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from generators.brief import Brief  # noqa: E402
from generators.feed import Feed, FeedColumns  # noqa: E402
from generators.hooks import HookModel, TemplateHooks, hook_model  # noqa: E402
from generators.studio import Studio  # noqa: E402
from generators.verification import FactCheck, LengthCheck, Verifier  # noqa: E402

SEED = 7


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run gave."""

    asked: int
    shown: int
    strict: int
    passing: int
    from_model: int
    stopped: int
    too_long: int
    duplicates: int
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
    studio = Studio(model, seed=SEED)
    started = time.perf_counter()
    written = studio.write(briefs, count)
    seconds = time.perf_counter() - started
    verifier, strict = Verifier(), Verifier([FactCheck()])
    lengths = Verifier([LengthCheck()])
    texts = [tuple(item.draft.strings()) for item in written]
    return Figures(
        asked=studio.report.asked,
        shown=len(written),
        strict=sum(not strict.findings(i.draft, i.request.brief) for i in written),
        passing=sum(not verifier.findings(i.draft, i.request.brief) for i in written),
        from_model=studio.report.from_model,
        stopped=len(studio.report.findings),
        too_long=sum(bool(lengths.findings(i.draft, i.request.brief)) for i in written),
        duplicates=len(texts) - len(set(texts)),
        seconds=seconds,
    )


def _print(name: str, got: Figures, reference: Figures, able: bool) -> None:
    each, reference_each = got.seconds / max(got.shown, 1), reference.seconds / max(reference.shown, 1)
    fallback = 1 - got.from_model / max(got.shown, 1)
    rows = [
        (f"{name}_strict_facts", got.strict / max(got.shown, 1), "1", reference.strict / max(reference.shown, 1)),
        (f"{name}_all_checks", got.passing / max(got.shown, 1), "1", reference.passing / max(reference.shown, 1)),
        (f"{name}_shown_of_asked", got.shown / got.asked, "0.99", reference.shown / reference.asked),
        (f"{name}_length_violations", got.too_long, "0", reference.too_long),
        (f"{name}_duplicates", got.duplicates, "0", reference.duplicates),
        (f"{name}_seconds_a_variant", each, "2.0", reference_each),
    ]
    if able:
        rows.append((f"{name}_template_fallback", fallback, "0.5", 0.0))
    print(f"\n{name}: {got.shown} shown, {got.stopped} findings stopped drafts before they were shown")
    for key, value, target, other in rows:
        upper = key.endswith(("violations", "duplicates", "variant", "fallback"))
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
    parser.add_argument("--briefs", type=int, default=100)
    parser.add_argument("--count", type=int, default=2)
    parser.add_argument("--every", type=int, default=29)
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
