"""`python -m generators train`: models that learn from a campaign's own outcomes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from generators.embeddings import embedder_named
from generators.texts import CtrModel, copy_texts, fit_ctr, outcomes_of_log
from generators.texts.copy_outcomes import as_rows
from generators.variants import variants_from_file

train = typer.Typer(help="Train a model on a campaign's own outcomes.", no_args_is_help=True)


@train.callback()
def models() -> None:
    """Train a model on a campaign's own outcomes."""


@train.command()
def ctr(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="Decision log, as `python -m engine log` writes it.")],
    variants: Annotated[Path, typer.Option(help="The campaign's copy, JSON Lines.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write; it must not exist.")],
    embedder: Annotated[str, typer.Option(help="chargram, minilm or the folder of an encoder.")] = "chargram",
    prior: Annotated[Path | None, typer.Option(help="Click model to shrink to, of the same encoder.")] = None,
) -> None:
    """Learn from clicks how wording moves the click rate; `copy --ctr FOLDER` ranks by it."""
    known = variants_from_file(variants)
    outcomes = outcomes_of_log(log, copy_texts(known))
    before = CtrModel.load(prior) if prior else None
    model = fit_ctr(outcomes, embedder_named(embedder), prior=before)
    digest = hashlib.blake2b(json.dumps(as_rows(outcomes)).encode(), digest_size=16).hexdigest()
    # A folder's encoder is named by its path, so that it is found again.
    folder = Path(embedder) if embedder not in ("chargram", "minilm") else None
    training = {"log": log.name, "copies": len({o.copy for o in outcomes}), "rows": len(outcomes), "digest": digest}
    model.save(output, training=training, encoder_folder=folder)
    _report(model, {(o.copy, o.text) for o in outcomes}, output)


def _report(model: CtrModel, copies: set[tuple[str, str]], output: Path) -> None:
    console = Console()
    texts = sorted(copies)
    rates = model.predict([text for _, text in texts])
    order = rates.argsort()[::-1]
    table = Table("variant", "predicted click rate", "copy", box=None, header_style="dim")
    for place in order[:5]:
        table.add_row(texts[place][0], f"{rates[place]:.2%}", texts[place][1].splitlines()[0])
    console.print(table)
    if not model.weights.any():
        said = "The wording told nothing beyond each copy's own clicks: copy that was never sent gets the mean rate."
        console.print(said, soft_wrap=True)
    console.print(f"wrote {output}; next: python -m generators copy --ctr {output} …", highlight=False, soft_wrap=True)
