"""Speed of the copy models: tokens a second beside bare `generate`, int8 beside full, verified variants a minute.

For each local backend and batch, three ways of writing the same number of tokens for the same prompts take turns:

- ours: `write` of the backend, with mask, keyed sampling and decoding, from the beginning that was read ahead;
- bare: `model.generate` on the whole prompts, greedy, with the library's own cache: what one would write without us;
- ahead: bare `generate` that is handed a cache with the beginning already in it, which is the hardest to match.

Ratios are medians over the rounds of times taken side by side. Peak memory is that of a process of its own. int8 is
judged beside the full model: perplexity over real headlines, agreement of the likeliest token, share of proposed
lines that the screen lets pass.

    python benchmarks/copy_speed.py [--backends smollm2,smollm2-int8] [--batches 1,8,32] [--rounds 3] [--tokens 20]
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from copy_int8 import compare  # noqa: E402

from generators.brief import TONES, Brief  # noqa: E402
from generators.feed import Feed, FeedColumns  # noqa: E402
from generators.hooks import CausalHooks, HookRequest, hook_model  # noqa: E402
from generators.model_libraries import model_libraries  # noqa: E402
from generators.product import Product  # noqa: E402
from generators.studio import Studio  # noqa: E402

TARGET = 0.95


def main() -> None:
    options = _options()
    if options.memory:
        _say_memory(options)
        return
    torch, _ = model_libraries()
    _print_setting(options, torch)
    briefs = _briefs(options.briefs)
    names = options.backends.split(",")
    models = {name: hook_model(name) for name in names}
    for name, model in models.items():
        for batch in map(int, options.batches.split(",")):
            _speed(name, model, briefs, batch, options)
    full, small = models.get("smollm2"), models.get("smollm2-int8")
    if isinstance(full, CausalHooks) and isinstance(small, CausalHooks):
        compare(full, small, briefs, _copy_lines())
        for batch in map(int, options.batches.split(",")):
            _beside_full(full, small, briefs, batch, options)
    for name in [*names, "template"]:
        _variants(name, models.get(name) or hook_model(name), briefs)
    for name in names:
        _memory(name, options)


def _speed(name: str, model: Any, briefs: list[Brief], batch: int, options: argparse.Namespace) -> None:
    """Print tokens a second of the three ways, and the ratios."""
    rows = _rows(briefs, batch)
    ways = {"ours": _ours, "bare": _bare}
    if isinstance(model, CausalHooks):
        ways["ahead"] = _ahead
    times: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for way in ways.values():
        _timed(way, model, rows[:1], 2)
    for round_ in range(options.rounds):
        # The order turns from round to round, so that none is always the one after a pause.
        order = list(ways)[round_ % len(ways) :] + list(ways)[: round_ % len(ways)]
        for way in order:
            times[way].append(_timed(ways[way], model, rows, options.tokens))
    tokens = batch * options.tokens
    rate = {way: tokens / statistics.median(wall for wall, _ in taken) for way, taken in times.items()}
    enough = TARGET * rate["bare"]
    _result(f"{name}_batch{batch}_tokens_per_second", rate["ours"], enough, rate["bare"], rate["ours"] >= enough)
    for way in list(ways)[1:]:
        pairs = list(zip(times["ours"], times[way], strict=True))
        for kind, place in (("", 0), ("_cpu", 1)):
            ratio = statistics.median(other[place] / mine[place] for mine, other in pairs)
            _result(f"{name}_batch{batch}_beside_{way}{kind}", ratio, TARGET, 1.0, ratio >= TARGET)


def _beside_full(full: Any, small: Any, briefs: list[Brief], batch: int, options: argparse.Namespace) -> None:
    """Print how many times as fast the eight-bit model writes, by the clock and by processor time."""
    rows = _rows(briefs, batch)
    pairs = []
    for _ in range(options.rounds + 1):
        pairs.append([_timed(_ours, model, rows, options.tokens) for model in (full, small)])
    for kind, place in (("", 0), ("_cpu", 1)):
        ratio = statistics.median(slow[place] / quick[place] for slow, quick in pairs[1:])
        _result(f"int8_batch{batch}_beside_full{kind}", ratio, 1.0, 1.0, ratio >= 1)


def _rows(briefs: list[Brief], batch: int) -> list[tuple[HookRequest, int]]:
    return [(HookRequest(briefs[i % len(briefs)], TONES[i % len(TONES)], i, 1), 0) for i in range(batch)]


def _timed(way: Callable[[Any, Any, int], None], model: Any, rows: Any, steps: int) -> tuple[float, float]:
    torch, _ = model_libraries()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    wall, cpu = time.perf_counter(), time.process_time()
    way(model, rows, steps)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - wall, time.process_time() - cpu


def _ours(model: Any, rows: Any, steps: int) -> None:
    model.write("en", rows, steps=steps)


def _bare(model: Any, rows: Any, steps: int, **more: Any) -> None:
    torch, _ = model_libraries()
    inputs = model.inputs("en", [request for request, _ in rows])
    with torch.inference_mode():
        model.model.generate(**inputs, **more, max_new_tokens=steps, min_new_tokens=steps, do_sample=False)


def _ahead(model: Any, rows: Any, steps: int) -> None:
    _bare(model, rows, steps, past_key_values=model.read_ahead("en").copied(len(rows)))


def _variants(name: str, model: Any, briefs: list[Brief]) -> None:
    """Print verified variants a minute, with verification, composition and fallback."""
    studio = Studio(model, seed=7)
    some = briefs[:12]
    started = time.perf_counter()
    written = studio.write(some, 2)
    minutes = (time.perf_counter() - started) / 60
    by_model = studio.report.from_model / max(len(written), 1)
    print(f"{name}: {len(written)} of {studio.report.asked} variants shown, {by_model:.0%} with a hook of the model")
    _result(f"{name}_verified_variants_per_minute", len(written) / minutes, 10, 0, len(written) / minutes >= 10)


def _memory(name: str, options: argparse.Namespace) -> None:
    command = [sys.executable, __file__, "--memory", "--backends", name, "--batches", options.batches]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    peak, before = map(float, done.stdout.split()[-2:])
    _result(f"{name}_peak_memory_mb", peak, 2048, before, peak <= 2048)


def _say_memory(options: argparse.Namespace) -> None:
    """Print the peak of this process, and what it was with the libraries alone, in megabytes."""
    model_libraries()[1].AutoModelForCausalLM  # noqa: B018 - imports what loading needs
    before = _peak_mb()
    model = hook_model(options.backends)
    largest = max(map(int, options.batches.split(",")))
    model.propose([HookRequest(_mug(), TONES[i % len(TONES)], i, 1) for i in range(largest // 3 + 1)])
    print(_peak_mb(), before)


def _peak_mb() -> float:
    """Peak resident memory; `getrusage` would count what the parent held when it started this process."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024


def _result(name: str, value: float, target: float, reference: float, fine: bool) -> None:
    state = "ok" if fine else "short"
    print(f"RESULT name={name} value={value:.4g} target={target:.4g} reference={reference:.4g} {state}", flush=True)


def _mug() -> Brief:
    return Brief("mug", Product("Stoneware Mug", 2400, "USD", "Halden", "Kitchen"))


def _data() -> Path:
    return Path(os.environ.get("ARMSREACH_DATA") or ROOT.parent / "shared" / "data")


def _catalogue() -> Path:
    return _data() / "bigbasket" / "BigBasket_Products.csv.gz"


def _briefs(count: int) -> list[Brief]:
    if not _catalogue().is_file():
        return [_mug()]
    columns = FeedColumns(title="product", price="sale_price", id="index", category="sub_category")
    return Feed(_catalogue(), columns, "en", "INR").briefs(count, every=997)


def _copy_lines() -> list[str]:
    """Sixty headlines of the Upworthy archive: lines that people wrote to be opened."""
    import polars

    path = _data() / "upworthy" / "upworthy_clean_exploratory.parquet"
    if not path.is_file():
        return []
    headlines = polars.read_parquet(path, columns=["headline"])["headline"].drop_nulls().unique().sort()
    return headlines.gather_every(max(len(headlines) // 60, 1)).to_list()[:60]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backends", default="smollm2,smollm2-int8")
    parser.add_argument("--batches", default="1,8,32")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--briefs", type=int, default=20)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _print_setting(options: argparse.Namespace, torch: Any) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    print(f"command: {' '.join(sys.argv)}  commit: {commit.stdout.strip()}")
    print(f"cpus: {os.cpu_count()} {platform.machine()}  load {os.getloadavg()[0]:.1f}  {device}")
    print(f"python {platform.python_version()}  torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"transformers {version('transformers')}")
    print(f"{options.tokens} tokens a row, {options.rounds} rounds, backends {options.backends}")


if __name__ == "__main__":
    main()
