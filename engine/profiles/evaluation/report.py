"""The whole measurement of a shop's files, as the command and the benchmark print it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from engine.core.errors import InvalidInput
from engine.profiles.bots import find_bots
from engine.profiles.build import BuildInput, latest
from engine.profiles.cleaning import merged
from engine.profiles.cleaning_report import CleaningReport
from engine.profiles.evaluation.evaluate import Evaluation, evaluate
from engine.profiles.evaluation.hold_out import HoldOut
from engine.profiles.evaluation.tuning import tune
from engine.profiles.event_fields import SCHEMA
from engine.profiles.event_reader import EventReader
from engine.profiles.making import make
from engine.profiles.products import Products, no_products
from engine.profiles.settings import ProfileSettings


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found.

    Attributes:
        settings: With which profiles were made.
        chosen: How they were chosen.
        events: Clean events in all.
        start: Begin of the window of the test.
        end: Its end.
        repeats: What shoppers had to do with before counts like all else.
        novel: It is left out.
    """

    settings: ProfileSettings
    chosen: str
    events: int
    start: datetime
    end: datetime
    repeats: Evaluation
    novel: Evaluation


def measured(
    given: BuildInput,
    *,
    test_days: float,
    tune_days: float,
    level: int,
    settings: ProfileSettings,
    threads: int = 1,
    tell: Callable[[str], None] = lambda _: None,
) -> Measured:
    """Clean, split, tune on the days before the test's, measure on the test's.

    Args:
        given: Files.
        test_days: Length of the window of the test, at the end.
        tune_days: Length of the window of validation, before it; 0 for none.
        level: 0 ranks products; k ranks kinds of products: their levels up to the k-th, joined.
        settings: Where nothing is tuned, and the base of what is.
        threads: Of ALS.
        tell: Hears what is begun.

    Raises:
        InvalidInput: If a file is unusable, or a window is empty.
    """
    events, products = _clean(given)
    if level:
        events, products = by_level(events, products, level)
    known = events["item"].drop_nulls().unique()
    products = Products(products.frame().filter(pl.col("id").is_in(known.to_list())))
    end = latest(events) + timedelta(microseconds=1)
    start = end - timedelta(days=test_days)
    chosen = "by default"
    if tune_days:
        tell("tuning")
        validation = HoldOut.split(events, start - timedelta(days=tune_days), start)
        settings = tune(validation, products, settings, threads=threads).settings
        chosen = f"tuned on the {tune_days:g} days before"
    tell("measuring")
    hold_out = HoldOut.split(events, start, end)
    made = make(hold_out.before, products, settings, start, threads=threads)
    both = [evaluate(hold_out, products, settings, novel=novel, made=made) for novel in (False, True)]
    return Measured(settings, chosen, events.height, start, end, *both)


def by_level(events: pl.DataFrame, products: Products, level: int) -> tuple[pl.DataFrame, Products]:
    """Put kinds of products in the place of products; events of products without that level are left out.

    Raises:
        InvalidInput: If there is no such level.
    """
    if not 1 <= level <= products.depth:
        raise InvalidInput(f"expected 1 to {products.depth}, the levels of --category; got {level}", field="--by-level")
    names = [f"level_{n}" for n in range(1, level + 1)]
    kinds = products.frame().filter(pl.col(names[-1]) != "")
    kinds = kinds.with_columns(pl.concat_str(names, separator=" / ").alias("kind"))
    moved = events.join(kinds.select(pl.col("id").alias("item"), "kind"), on="item", how="left")
    moved = moved.filter(pl.col("kind").is_not_null() | (pl.col("type") == "search"))
    table = kinds.select(
        pl.col("kind").alias("id"),
        pl.lit("").alias("title"),
        *names,
        pl.lit("").alias("brand"),
        pl.lit(None).alias("price"),
    ).unique("id", maintain_order=True)
    return moved.with_columns(pl.col("kind").alias("item")).drop("kind"), Products(table)


def _clean(given: BuildInput) -> tuple[pl.DataFrame, Products]:
    report = CleaningReport()
    reader = EventReader(given.columns, datetime.now(UTC), report, encoding=given.encoding, separator=given.separator)
    rows = reader.read(given.events)
    events = merged(rows.clear(), rows, report)
    bots = find_bots(events)["user"].unique()
    events = events.filter(~pl.col("user").is_in(bots.to_list())).select(list(SCHEMA))
    if given.products is None:
        return events, no_products()
    products, _ = Products.read(
        given.products, given.product_columns, encoding=given.encoding, separator=given.separator
    )
    return events, products
