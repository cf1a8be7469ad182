"""How much needs can be believed, on a year of real households (Complete Journey).

Prints, each with a 95 % interval by a bootstrap over households: whether the interests of two halves of a household's
trips agree, beside two households' halves; how often an interest's topic is bought in the following month, beside the
topics' own rate and the most popular topics; whether confidence and purchase intent mean what they say; and how well
the usual price finds the discounts that the till recorded.

    python benchmarks/needs_quality.py [--quick]
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.needs_measures import (  # noqa: E402
    Pairs,
    calibration,
    discounts,
    intent_quality,
    prior_likelihood,
    stability,
    usefulness,
)
from engine.profiles import BuildInput, EventColumns, Events, Matcher, ProductColumns, Products, ProfileBuild  # noqa: E402
from generators.needs.settings import NeedsSettings  # noqa: E402
from generators.needs.topics import Topics  # noqa: E402
from generators.needs.touches import touches  # noqa: E402

CUTS = (30, 60, 90, 120)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="one moment instead of four, fewer resamples")
    quick = options.parse_args().quick
    data = Path(os.environ.get("ARMSREACH_DATA") or ROOT.parent / "shared" / "data") / "completejourney"
    if not data.is_dir():
        print("completejourney is not under ARMSREACH_DATA; nothing to measure")
        return
    _print_setting()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        profiles = Path(folder) / "profiles"
        _build(profiles, data)
        events, products, matcher = Events.open(profiles).frame(), Products.open(profiles), Matcher(profiles)
        _measure(events, products, matcher, data, resamples=200 if quick else 2000, cuts=CUTS[:1] if quick else CUTS)
    print(f"took {time.perf_counter() - started:.0f} s")


def _build(profiles: Path, data: Path) -> None:
    columns = EventColumns("household_id", "product_id", "purchase", "transaction_timestamp", "quantity", "sales_value")
    taxonomy = ProductColumns("product_id", category=("department", "product_category", "product_type"))
    ProfileBuild(profiles).run(
        BuildInput((data / "transactions_sample.csv.gz",), columns, data / "products.csv.gz", taxonomy)
    )


def _measure(
    events: pl.DataFrame, products: Products, matcher: Matcher, data: Path, *, resamples: int, cuts: tuple[int, ...]
) -> None:
    settings = NeedsSettings(time_zone="America/New_York")
    last: datetime = events["at"].max()  # type: ignore[assignment]
    end = last + timedelta(seconds=1)
    middle = end - timedelta(days=182)
    # Topics know nothing of what is to be foretold.
    early = events.filter(pl.col("at") < middle)
    topics = Topics.fit(early, products, matcher.content, settings)
    print(f"topics: {len(topics)} of {len(topics.centres)} clusters, silhouettes {_rounded(topics.silhouettes)}")
    touched = touches(events, topics, settings).filter(pl.col("topic") >= 0)
    rng = np.random.default_rng(settings.seed)
    trips = touched.select("user", "day").unique().sort("user", "day")
    halved = touched.join(trips.with_columns(pl.Series("half", rng.integers(0, 2, trips.height))), on=["user", "day"])
    first, second = (halved.filter(pl.col("half") == half).drop("half") for half in (0, 1))
    stability(first, second, len(topics), end, settings, resamples)
    earlier, later = touched.filter(pl.col("at") < middle), touched.filter(pl.col("at") >= middle)
    calibration("later half-year", Pairs.of(earlier, middle, len(topics), settings), later, resamples)
    calibration("other half of trips", Pairs.of(first, end, len(topics), settings), second, resamples)
    prior_likelihood(earlier, later, middle, len(topics), settings, events, products, resamples)
    usefulness(touched, end, cuts, len(topics), settings, resamples)
    intent_quality(touched, end, cuts, len(topics), settings, resamples)
    discounts(touched, products, _till(data), resamples)


def _till(data: Path) -> pl.DataFrame:
    """What the till recorded: household, product, day, and whether the shop took something off."""
    rows = pl.read_csv(data / "transactions_sample.csv.gz", infer_schema=False)
    at = pl.col("transaction_timestamp").str.to_datetime("%Y-%m-%d %H:%M:%S").dt.replace_time_zone("UTC")
    off = pl.col("retail_disc").cast(pl.Float64) > 0
    return (
        rows.select(
            pl.col("household_id").alias("user"),
            pl.col("product_id").alias("item"),
            at.dt.convert_time_zone("America/New_York").dt.date().alias("day"),
            off.alias("off"),
        )
        .group_by("user", "item", "day")
        .agg(pl.col("off").any())
    )


def _rounded(values: dict[int, float]) -> dict[int, float]:
    return {count: round(value, 3) for count, value in values.items()}


def _print_setting() -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-learn", "polars"))
    print(
        f"python {' '.join(sys.argv)}\ncommit {commit.stdout.strip()}, Python {platform.python_version()}, {libraries}"
    )


if __name__ == "__main__":
    main()
