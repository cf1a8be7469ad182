"""The command line: `python -m generators copy …`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from engine.core.errors import CallerError, InvalidInput
from generators.brief import Brief
from generators.brief_file import read_briefs
from generators.embeddings import embedder_named
from generators.feed import Feed, FeedColumns
from generators.hooks import hook_model
from generators.preview import Preview
from generators.studio import Studio
from generators.variants import variant_records, write_variants
from generators.written import Written

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def generators() -> None:
    """Write promotion copy that never states a wrong fact."""


@app.command()
def copy(
    output: Annotated[Path, typer.Option("--output", "-o", help="Variants file to write (JSON Lines).")],
    brief: Annotated[Path | None, typer.Option(help="Briefs: .json, .jsonl or .toml.")] = None,
    feed: Annotated[Path | None, typer.Option(help="Product feed: .csv or .csv.gz.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="Feed column of a field: FIELD=NAME; repeatable.")] = None,
    language: Annotated[str, typer.Option(help="Language of feed rows that name none: en or zh.")] = "en",
    currency: Annotated[str, typer.Option(help="Currency of feed rows that name none.")] = "USD",
    encoding: Annotated[str, typer.Option(help="Encoding of the feed; gb18030 for Chinese GBK.")] = "utf-8-sig",
    limit: Annotated[int, typer.Option(min=0, help="Most products of the feed; 0 is all.")] = 0,
    every: Annotated[int, typer.Option(min=1, help="Take each n-th product of the feed.")] = 1,
    backend: Annotated[str, typer.Option(help="template, smollm2 or local:PATH.")] = "template",
    count: Annotated[int, typer.Option(min=1, max=50, help="Variants a brief.")] = 3,
    embedder: Annotated[str, typer.Option(help="chargram, minilm or the folder of an encoder.")] = "chargram",
    dimension: Annotated[int, typer.Option(min=0, help="Length of embeddings; 0 is the embedder's own.")] = 0,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal copy.")] = 0,
    approve: Annotated[bool, typer.Option("--approve", help="Mark the variants approved, not draft.")] = False,
    show: Annotated[int, typer.Option(min=0, help="How many variants to preview.")] = 3,
) -> None:
    """Write verified variants for each brief or product."""
    if (brief is None) == (feed is None):
        raise InvalidInput("expected one of the two", field="--brief or --feed")
    if feed is not None:
        briefs = Feed(feed, _columns(column or []), language, currency, encoding).briefs(limit, every)
    else:
        briefs = read_briefs(brief or Path())
    console = Console(stderr=True)
    vectors = embedder_named(embedder, dimension)
    with console.status(f"loading {backend}"):
        studio = Studio(hook_model(backend), seed=seed)
    started = time.perf_counter()
    written = _written(studio, briefs, count, console)
    write_variants(variant_records(written, vectors, approved=approve), output)
    preview = Preview(Console())
    preview.variants(written[:show])
    preview.report(studio.report, time.perf_counter() - started)
    console.print(f"wrote {len(written)} variants to {output}", highlight=False)


def _written(studio: Studio, briefs: list[Brief], count: int, console: Console) -> list[Written]:
    bar = (SpinnerColumn(), TextColumn("writing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*bar, console=console, transient=True) as progress:
        task = progress.add_task("writing", total=len(briefs) * count)
        return studio.write(briefs, count, lambda done: progress.advance(task, done))


def _columns(pairs: list[str]) -> FeedColumns:
    """Read `--column FIELD=NAME` options.

    Raises:
        InvalidInput: One names no field.
    """
    known = FeedColumns.__dataclass_fields__
    mapped: dict[str, str] = {}
    for pair in pairs:
        field, sign, name = pair.partition("=")
        if not sign or field not in known:
            raise InvalidInput(f"expected FIELD=NAME with one of {', '.join(known)}, got {pair!r}", field="--column")
        mapped[field] = name
    return FeedColumns(**mapped)


def main() -> None:
    """Run a command; wrong input ends with code 2 and one line that says what to do."""
    try:
        app()
    except CallerError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
