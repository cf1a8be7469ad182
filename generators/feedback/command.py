"""`python -m generators feedback`: what shoppers say, by variant, and back into the loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from engine.core.errors import InvalidInput
from engine.progress import progress_bar
from generators.embeddings import embedder_named
from generators.feedback.comment import Comment
from generators.feedback.comment_file import CommentColumns, read_comments
from generators.feedback.comment_language import LANGUAGES
from generators.feedback.comment_outcomes import comment_outcomes, report_outcomes, write_outcomes
from generators.feedback.feedback_report import feedback_table, write_results
from generators.feedback.reader_model import OpinionModel
from generators.feedback.reading import OpinionReader, ReadComment, read_opinions
from generators.feedback.variant_feedback import MINIMUM, by_variant
from generators.texts.decision_log import decision_rows, variant_of

TOKEN_VARIABLE = "ARMSREACH_TOKEN"


def feedback(
    comments: Annotated[Path, typer.Argument(metavar="COMMENTS", help="Comments: .csv or .jsonl, also .gz.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Results to write, one comment a line (JSON Lines).")],
    column: Annotated[list[str] | None, typer.Option(help="Column of a field: FIELD=NAME; repeatable.")] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of a CSV; gb18030 for Chinese GBK.")] = "utf-8-sig",
    encoder: Annotated[
        str, typer.Option(help="chargram, minilm (English; Chinese stays chargram) or a folder.")
    ] = "chargram",
    log: Annotated[Path | None, typer.Option(help="Decision log that says which variant a decision_id had.")] = None,
    minimum: Annotated[int, typer.Option(min=2, help="Comments a variant needs before shares are shown.")] = MINIMUM,
    campaign: Annotated[str, typer.Option(help="Campaign that the comments belong to, for outcomes.")] = "",
    outcomes: Annotated[
        Path | None, typer.Option(help="Write outcomes of type comment, as ReportOutcomes takes.")
    ] = None,
    report: Annotated[str, typer.Option(metavar="HOST:PORT", help="Report the outcomes to this server.")] = "",
    token_file: Annotated[
        Path | None, typer.Option(help=f"File with the server's token; or set {TOKEN_VARIABLE} to the token.")
    ] = None,
    ca: Annotated[Path | None, typer.Option(help="PEM file with the authority of the server's certificate.")] = None,
) -> None:
    """Read comments: mood, topics with evidence, purchase intention; sum them up by variant."""
    if (outcomes is not None or report) and not campaign:
        raise InvalidInput("expected the campaign whose outcomes these are", field="--campaign")
    found = read_comments(comments, CommentColumns.mapped(column or []), encoding)
    if log is not None:
        found = with_variants(found, log)
    console = Console(stderr=True)
    read = _read(found, _models(encoder, found, console), console)
    variants = by_variant(read, minimum)
    beside = write_results(read, variants, output, minimum)
    Console().print(feedback_table(variants, minimum))
    console.print(f"wrote {len(read)} comments to {output} and their sums to {beside}", highlight=False, soft_wrap=True)
    if outcomes is not None or report:
        _give_back(read, campaign, outcomes, (report, token_file, ca), console)


def with_variants(comments: Sequence[Comment], log: Path) -> list[Comment]:
    """Name the variant of comments that name a decision and no variant, from a decision log."""
    wanted = {comment.decision_id for comment in comments if comment.decision_id and not comment.variant}
    known = {str(row["decision_id"]): variant_of(row) for row in decision_rows(log) if row["decision_id"] in wanted}
    return [replace(c, variant=known.get(c.decision_id, "")) if not c.variant else c for c in comments]


def _models(encoder: str, comments: Sequence[Comment], console: Console) -> Mapping[str, OpinionReader]:
    """Train heads on another encoder than the packaged ones stand on."""
    if encoder == "chargram":
        return {}
    if encoder == "minilm":
        return {"en": OpinionModel.packaged("en", "minilm")}
    with console.status(f"training heads on {encoder}"):
        vectors = embedder_named(encoder)
        spoken = {comment.language for comment in comments} & set(vectors.languages)
        return {language: OpinionModel.trained(language, vectors) for language in LANGUAGES if language in spoken}


def _read(comments: Sequence[Comment], models: Mapping[str, OpinionReader], console: Console) -> list[ReadComment]:
    with progress_bar(console) as progress:
        task = progress.add_task("reading", total=len(comments))
        return read_opinions(comments, models, lambda done: progress.advance(task, done))


def _give_back(
    read: Sequence[ReadComment],
    campaign: str,
    file: Path | None,
    server: tuple[str, Path | None, Path | None],
    console: Console,
) -> None:
    found, unnamed = comment_outcomes(read, campaign, now=datetime.now(UTC))
    if unnamed:
        console.print(f"{unnamed} comments name neither a decision nor a user and a time; no outcome", highlight=False)
    if file is not None:
        write_outcomes(found, file)
        console.print(f"wrote {len(found)} outcomes to {file}", highlight=False, soft_wrap=True)
    target, token_file, ca = server
    if target:
        from engine.client import Client, ClientOptions
        from engine.commands.access import Access

        options = ClientOptions(token=Access(token_file).token(), ca_file=str(ca or ""))
        with Client(target, options) as client:
            recorded = report_outcomes(found, client)
        console.print(f"{recorded.accepted} outcomes taken, {recorded.duplicates} known already", highlight=False)
