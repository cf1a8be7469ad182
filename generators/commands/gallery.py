"""`python -m generators gallery`: a variants file as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from engine.core.feedback_file import read_feedback
from generators.approval import VariantsFile
from generators.gallery import write_gallery
from generators.results_table import write_table


def gallery(
    file: Annotated[Path, typer.Argument(metavar="VARIANTS.jsonl", help="As `copy` wrote it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")],
    table: Annotated[Path | None, typer.Option(help="Write every string as CSV, too.")] = None,
    feedback: Annotated[
        Path | None, typer.Option(help="What shoppers say: the .variants.json that `feedback` writes.")
    ] = None,
    title: Annotated[str, typer.Option(help="What the page is called.")] = "",
) -> None:
    """Show variants as shoppers will see them, with their provenance, in one HTML file."""
    said = {variant: str(comments) for variant, comments in read_feedback(feedback).items()} if feedback else {}
    found = VariantsFile(file)
    records = [found.records[id_] for id_ in found.ids]
    write_gallery(records, output, title or file.name, said)
    if table:
        write_table(records, table)
    for path in filter(None, (output, table)):
        Console(stderr=True).print(f"wrote {len(records)} variants to {path}", highlight=False, soft_wrap=True)
