"""`python -m generators copy`."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from engine.core.errors import InvalidInput
from engine.progress import progress_bar
from generators.approval import Decision, VariantsFile
from generators.brief import Brief
from generators.brief_file import read_briefs
from generators.commands.options import By, approver
from generators.embeddings import Embedder, embedder_named
from generators.feed import Feed, FeedColumns
from generators.gallery import write_gallery
from generators.hooks import HookModel, TemplateHooks, hook_model
from generators.hooks.backends import BACKENDS
from generators.preview import preview, print_report
from generators.ranking import NearCopies, PredictedCtr, Scorer
from generators.ranking.choice import ranker_for
from generators.remembered import RememberedHooks
from generators.results_table import results_table, write_table
from generators.studio import Studio
from generators.texts import CtrModel
from generators.variants import variant_records, write_variants
from generators.written import Written


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run was asked for."""

    briefs: list[Brief]
    count: int
    seed: int
    output: Path
    fresh: bool
    examples: NearCopies
    scorers: tuple[Scorer, ...]


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
    backend: Annotated[str, typer.Option(help=f"{BACKENDS}; see docs/copy-models.md.")] = "template",
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Variants a brief.")] = 3,
    embedder: Annotated[str, typer.Option(help="chargram, minilm or the folder of an encoder.")] = "chargram",
    dimension: Annotated[int, typer.Option(min=0, help="Length of embeddings; 0 is the embedder's own.")] = 0,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal copy.")] = 0,
    examples: Annotated[Path | None, typer.Option(help="Lines that copy may not repeat, one a line.")] = None,
    ctr: Annotated[Path | None, typer.Option(help="Click model to rank by, as `train ctr` writes it.")] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Mark the variants approved, not draft.")] = False,
    by: Annotated[str, By] = "",
    show: Annotated[int, typer.Option(min=0, help="How many variants to preview.")] = 3,
    table: Annotated[Path | None, typer.Option(help="Write every string as CSV, too.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a gallery as one HTML file, too.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what a stopped run had proposed.")] = False,
) -> None:
    """Write verified variants for each brief or product; a run that was stopped goes on where it was."""
    if (brief is None) == (feed is None):
        raise InvalidInput("expected one of the two", field="--brief or --feed")
    if feed is not None:
        briefs = Feed(feed, _columns(column or []), language, currency, encoding).briefs(limit, every)
    else:
        briefs = read_briefs(brief or Path())
    decision = Decision("approved", approver(by), datetime.now(UTC)) if approve else None
    console = Console(stderr=True)
    vectors = embedder_named(embedder, dimension)
    with console.status(f"loading {backend}"):
        model = hook_model(backend)
    started = time.perf_counter()
    run = _Run(briefs, count, seed, output, fresh, _examples(examples), _click_model(ctr))
    with _remembered(model, run, console) as (asked, done):
        studio, written = _written(asked, run, vectors, console)
        records = variant_records(written, vectors)
        write_variants(records, output)
        done()
    if decision:
        records = _approved(output, decision)
    out = Console()
    preview(out, records[:show])
    if len(records) > show:
        out.print(results_table(records))
    print_report(out, studio.report, time.perf_counter() - started)
    if table:
        write_table(records, table)
    if html:
        write_gallery(records, html, f"Copy of {(feed or brief or Path()).name}")
    for path in (output, table, html):
        if path:
            console.print(f"wrote {len(records)} variants to {path}", highlight=False, soft_wrap=True)


class _remembered:  # noqa: N801 - reads as a verb where it is used
    """Keeps a model's answers beside the output until the result is safe; the grammar is quicker than any file."""

    def __init__(self, model: HookModel, run: _Run, console: Console) -> None:
        self._model, self._run, self._console = model, run, console
        self._stack = ExitStack()

    def __enter__(self) -> tuple[HookModel, Any]:
        if self._model.name == TemplateHooks.name:
            return self._model, lambda: None
        path = self._run.output.with_name(f"{self._run.output.name}.progress")
        if self._run.fresh:
            path.unlink(missing_ok=True)
        kept = self._stack.enter_context(RememberedHooks(self._model, path))
        if kept.known:
            self._console.print(
                f"going on from {path}: {kept.known} proposals are there", highlight=False, soft_wrap=True
            )
        return kept, kept.discard

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        if isinstance(error[1], KeyboardInterrupt) and self._model.name != TemplateHooks.name:
            self._console.print("stopped; the same command goes on where it was", highlight=False)


def _written(model: HookModel, run: _Run, vectors: Embedder, console: Console) -> tuple[Studio, list[Written]]:
    studio = Studio(model, seed=run.seed, ranker=ranker_for(model, vectors, run.scorers), examples=run.examples)
    with progress_bar(console, remaining=True) as progress:
        task = progress.add_task("writing", total=len(run.briefs) * run.count)
        return studio, studio.write(run.briefs, run.count, lambda done: progress.advance(task, done))


def _approved(output: Path, decision: Decision) -> list[dict[str, Any]]:
    """Approve all that was written, and say so in the file."""
    file = VariantsFile(output)
    file.decide(file.ids, decision)
    return [file.records[id_] for id_ in file.ids]


def _examples(path: Path | None) -> NearCopies:
    if path is None:
        return NearCopies(())
    try:
        return NearCopies(path.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"expected a UTF-8 file with one line of copy a line, got: {getattr(error, 'strerror', None) or error}",
            file=str(path),
        ) from error


def _click_model(folder: Path | None) -> tuple[Scorer, ...]:
    if folder is None:
        return ()
    model = CtrModel.load(folder)
    return (PredictedCtr(model, model.embedder.languages),)


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
