"""`python -m engine profiles`: shopper profiles from a shop's files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from engine.commands.profiles_evaluated import print_evaluation
from engine.commands.target import fail
from engine.config import read_settings
from engine.core.errors import InvalidInput
from engine.core.keyed_hash import Domain, KeyedHash
from engine.profiles import EventColumns, ProductColumns, ProfileSettings
from engine.profiles.event_type import parsed_words
from engine.profiles.registered import register_profiles
from engine.progress import progress_bar

if TYPE_CHECKING:
    from engine.profiles.cleaning_report import CleaningReport

profiles = typer.Typer(help="Shopper profiles: build them, look at them, measure them.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(metavar="EVENTS...", help="CSV (also .gz) or Parquet.")]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Profile folder.")]
User = Annotated[str, typer.Option("--user", metavar="COL", help="Column of the shopper.")]
Item = Annotated[str, typer.Option("--item", metavar="COL", help="Column of the product.")]
Kind = Annotated[
    str,
    typer.Option("--type", metavar="COL|TYPE", help="Column of the kind of event; or view, cart, purchase, search."),
]
At = Annotated[str, typer.Option("--at", metavar="COL", help="Column of the time.")]
Quantity = Annotated[str, typer.Option("--quantity", metavar="COL", help="Column of how many.")]
Value = Annotated[str, typer.Option("--value", metavar="COL", help="Column of the row's money.")]
Query = Annotated[str, typer.Option("--query", metavar="COL", help="Column of the text of a search.")]
EventId = Annotated[str, typer.Option("--event-id", metavar="COL", help="Column of what a row keeps when sent again.")]
Zone = Annotated[str, typer.Option("--time-zone", help="IANA zone of times that name none.")]
Word = Annotated[
    list[str] | None,
    typer.Option("--word", metavar="WORD=TYPE", help="The shop's word for a kind of event; repeatable."),
]
ProductsFile = Annotated[Path | None, typer.Option("--products", metavar="FILE", help="Table of products.")]
ProductId = Annotated[str, typer.Option("--product-id", metavar="COL", help="Its column of the id.")]
Title = Annotated[str, typer.Option("--title", metavar="COL", help="Its column of the name.")]
Category = Annotated[
    str, typer.Option("--category", metavar="COL,...", help="Its columns of the taxonomy, widest level first.")
]
Brand = Annotated[str, typer.Option("--brand", metavar="COL", help="Its column of the brand.")]
Price = Annotated[str, typer.Option("--price", metavar="COL", help="Its column of the price.")]
Encoding = Annotated[str, typer.Option("--encoding", help="Of CSV files, such as gb18030.")]
Separator = Annotated[str, typer.Option("--separator", help="Of CSV files.")]
Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings in TOML, which name the data folder.")]
Data = Annotated[
    str,
    typer.Option("--data", help="Data folder: shoppers become the pseudonyms of its journal, and `forget` finds them."),
]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Of the factorisation.")]


@profiles.command()
def build(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder to make, or to add to.")],
    events: Annotated[list[Path] | None, typer.Argument(metavar="EVENTS...", help="CSV (also .gz) or Parquet.")] = None,
    user: User = "user",
    item: Item = "item",
    type: Kind = "type",
    at: At = "at",
    quantity: Quantity = "",
    value: Value = "",
    query: Query = "",
    event_id: EventId = "",
    time_zone: Zone = "UTC",
    word: Word = None,
    products: ProductsFile = None,
    product_id: ProductId = "id",
    title: Title = "",
    category: Category = "",
    brand: Brand = "",
    price: Price = "",
    encoding: Encoding = "utf-8",
    separator: Separator = ",",
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first unusable row.")] = False,
    refit: Annotated[bool, typer.Option("--refit", help="Fit the models anew, rather than fold in.")] = False,
    as_of: Annotated[str, typer.Option(metavar="TIME", help="Leave out what is later; by default nothing.")] = "",
    method: Annotated[str, typer.Option(help="als or svd; as the other three, by default what the folder has.")] = "",
    dimension: Annotated[int, typer.Option(help="Of the vectors; half is content.")] = 0,
    half_life: Annotated[float, typer.Option(metavar="DAYS", help="After so long an event counts half.")] = 0.0,
    content_share: Annotated[float, typer.Option(help="Share of content in the cosine, 0 to 1.")] = -1.0,
    threads: Threads = 1,
    config: Config = None,
    data: Data = "",
) -> None:
    """Build profiles from EVENTS, or add to a folder what is new in them; with --refit and no EVENTS, anew."""
    from engine.profiles import BuildInput, ProfileBuild
    from engine.profiles.build import Progress as Heard

    columns = EventColumns(user, item, type, at, quantity, value, query, event_id, time_zone, parsed_words(word or []))
    product_columns = ProductColumns(product_id, title, _listed(category), brand, price)
    given = BuildInput(tuple(events or ()), columns, products, product_columns, encoding, separator, strict)
    if not given.events and not refit and products is None:
        raise InvalidInput(
            "expected a file or more; without any, --refit builds anew from what the folder has", field="EVENTS"
        )
    changed = _changed(output, method, dimension, half_life, content_share)
    key, folder = _key(config, data)
    if folder is not None:
        output.mkdir(parents=True, exist_ok=True)
        register_profiles(folder, output)
    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("reading", total=None)
        heard = Heard(lambda what: bar.update(task, description=what), lambda rows: bar.advance(task, rows))
        made = ProfileBuild(output, key=key, settings=changed, threads=threads, progress=heard)
        opened, report = made.run(given, as_of=_time(as_of), refit=refit)
    console = Console(highlight=False, soft_wrap=True)
    console.print(_table(report))
    for note in report.notes:
        console.print(f"note: {note}")
    if key is None:
        console.print("note: shoppers' ids are kept as they came; with --data they become the journal's pseudonyms")
    counts = opened.manifest.counts
    console.print(
        f"{output}: {counts['users']:,} shoppers × {opened.manifest.dimension}, {counts['items']:,} items, as of"
        f" {opened.manifest.as_of}; {counts['without_factors']:,} shoppers by content alone,"
        f" {counts['without_content']:,} by factors alone; models fitted on {opened.manifest.fitted['events']:,} events"
    )


@profiles.command()
def match(
    folder: Folder,
    user: Annotated[str, typer.Argument(metavar="USER", help="Shopper, as the shop knows them.")],
    top: Annotated[int, typer.Option(min=1, help="How many products.")] = 10,
    novel: Annotated[bool, typer.Option("--novel", help="Leave out what the shopper knows.")] = False,
    by: Annotated[str, typer.Option(help="cosine: the nearest; rank: with popularity and habit.")] = "cosine",
    text: Annotated[list[str] | None, typer.Option("--text", help="Copy to compare instead; repeatable.")] = None,
    config: Config = None,
    data: Data = "",
) -> None:
    """The products that suit a shopper, or how well texts do."""
    from engine.profiles import Matcher, Products

    matcher = Matcher(folder)
    key, _ = _key(config, data)
    known_as = key.digest(Domain.USER, user).hex() if key else user
    console = Console(highlight=False)
    if text:
        table = Table("cosine", "text")
        for cosine, line in sorted(zip(matcher.texts(known_as, text), text, strict=True), reverse=True):
            table.add_row(f"{cosine:+.3f}", line)
        console.print(table)
        return
    products = Products.open(folder)
    table = Table("product", "cosine", "score", "what it is")
    for found in matcher.products(known_as, top, novel=novel, by=by):
        product = products.get(found.item)
        table.add_row(found.item, f"{found.cosine:+.3f}", f"{found.score:.3f}", product.text if product else "")
    console.print(table)


@profiles.command()
def show(folder: Folder) -> None:
    """What is in a profile folder, and whether its files are whole."""
    from rich.pretty import Pretty

    from engine.profiles.profile_folder import ProfileFolder

    opened = ProfileFolder.open(folder)
    opened.verify()
    Console(highlight=False).print(Pretty(opened.manifest, expand_all=True))


@profiles.command()
def evaluate(
    events: Files,
    user: User = "user",
    item: Item = "item",
    type: Kind = "type",
    at: At = "at",
    quantity: Quantity = "",
    value: Value = "",
    query: Query = "",
    event_id: EventId = "",
    time_zone: Zone = "UTC",
    word: Word = None,
    products: ProductsFile = None,
    product_id: ProductId = "id",
    title: Title = "",
    category: Category = "",
    brand: Brand = "",
    price: Price = "",
    encoding: Encoding = "utf-8",
    separator: Separator = ",",
    test_days: Annotated[float, typer.Option(help="The last days of the files, in which purchases are foreseen.")] = 61,
    tune_days: Annotated[
        float, typer.Option(help="Days before, on which settings are chosen; 0 takes the defaults.")
    ] = 0,
    by_level: Annotated[int, typer.Option(help="Rank not products, but kinds: joined levels up to this one.")] = 0,
    seed: Annotated[int, typer.Option(help="Of models and intervals.")] = 0,
    threads: Threads = 1,
) -> None:
    """Measure profiles on the last days of EVENTS against popularity and habit: Hit@10 and NDCG@10 with intervals."""
    columns = EventColumns(user, item, type, at, quantity, value, query, event_id, time_zone, parsed_words(word or []))
    product_columns = ProductColumns(product_id, title, _listed(category), brand, price)
    from engine.profiles import BuildInput
    from engine.profiles.evaluation.report import measured

    given = BuildInput(tuple(events), columns, products, product_columns, encoding, separator)
    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("reading", total=None)
        found = measured(
            given,
            test_days=test_days,
            tune_days=tune_days,
            level=by_level,
            settings=ProfileSettings(seed=seed),
            threads=threads,
            tell=lambda what: bar.update(task, description=what),
        )
    print_evaluation(found, Console(highlight=False, soft_wrap=True))


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _changed(folder: Path, method: str, dimension: int, half_life: float, share: float) -> ProfileSettings | None:
    """The settings that flags ask for; None where none does."""
    from dataclasses import replace

    from engine.profiles.profile_folder import ProfileFolder

    before = ProfileFolder.find(folder)
    base = ProfileSettings.from_json(before.manifest.settings) if before else ProfileSettings()
    asked = base
    if dimension:
        asked = replace(asked, dimension=dimension, content_dimension=dimension // 2)
    if method:
        asked = replace(asked, method=method)
    if half_life:
        asked = replace(asked, half_life_days=half_life)
    if share >= 0.0:
        asked = replace(asked, content_share=share)
    return None if asked == base else asked


def _key(config: Path | None, data: str) -> tuple[KeyedHash | None, Path | None]:
    """The server's key and its data folder, where one is named."""
    if config is None and not data:
        return None, None
    from engine.wiring import open_key

    settings = read_settings(config)
    settings = settings.overridden(data=data or settings.data, port=settings.server.port)
    return open_key(settings), settings.folder


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        fail(f"--as-of: expected a time such as 2026-01-31T00:00:00Z, got {text!r}")
        raise
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _table(report: CleaningReport) -> Table:
    table = Table("", "rows", "", title="what became of the rows", title_justify="left")
    for name, count, remark in report.lines():
        table.add_row(name, f"{count:,}", remark)
    return table
