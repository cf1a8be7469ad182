"""Shopper profiles on a hold-out in time: do they foresee purchases better than popularity and habit do?

The Complete Journey transactions (84.51°, CC0; $ARMSREACH_DATA/completejourney): purchases of some 2,400 grocery
households in 2017, a sample of their baskets. The last 61 days are foreseen from those before; settings are chosen on
the 61 days before the test's, never on the test's. What is ranked: all items that anybody bought before the test, (a)
products and (b) product types; for each household known before; relevant is what it bought in the test's days, once
however often. "repeats": what a household bought before counts like all else. "novel": it is neither a candidate nor
relevant. Intervals: 95 %, bootstrap over households; differences are paired.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from rich.console import Console

from engine.commands.profiles_evaluated import print_evaluation
from engine.profiles import BuildInput, EventColumns, ProductColumns, ProfileSettings
from engine.profiles.evaluation.report import Measured, measured

DATA = Path(os.environ.get("ARMSREACH_DATA", "../shared/data")) / "completejourney"
EVENTS = EventColumns(
    user="household_id",
    item="product_id",
    type="purchase",
    at="transaction_timestamp",
    quantity="quantity",
    value="sales_value",
)
PRODUCTS = ProductColumns(id="product_id", category=("department", "product_category", "product_type"), brand="brand")
PAIRS = (
    ("blend", "popularity"),
    ("blend", "personal"),
    ("blend+personal", "personal"),
    ("content", "popularity"),
    ("factors", "popularity"),
    ("blend", "factors"),
)


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"{DATA}: no data; set ARMSREACH_DATA")
    asked = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    libraries = ", ".join(
        f"{name} {version(name)}" for name in ("implicit", "scikit-learn", "scipy", "polars", "numpy")
    )
    print(
        f"{' '.join(sys.argv)} | commit {commit.strip()} | {platform.processor() or platform.machine()} | {libraries}"
    )
    given = BuildInput((DATA / "transactions_sample.csv.gz",), EVENTS, DATA / "products.csv.gz", PRODUCTS)
    methods = sys.argv[1:] or ["als", "svd"]
    for what, level in (("types", 3), ("products", 0)):
        for method in methods:
            print(f"\n{what}, {method}", flush=True)
            settings = ProfileSettings(method=method)
            found = measured(given, test_days=61, tune_days=61, level=level, settings=settings, threads=1)
            print_evaluation(found, Console(highlight=False, width=140))
            results(f"{what}_{method}", found)


def results(name: str, found: Measured) -> None:
    """The closing lines: the target is that the whole interval of the paired difference is above 0."""
    for task, evaluation in (("repeats", found.repeats), ("novel", found.novel)):
        for one, other in PAIRS:
            for metric, difference in evaluation.difference(one, other).items():
                kept = "ok" if difference.low > 0 else "short"
                print(
                    f"RESULT name={name}_{task}_{one}_{metric}_over_{other} value={difference.value:+.4f}"
                    f" low={difference.low:+.4f} high={difference.high:+.4f} target=0 reference={other} {kept}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
