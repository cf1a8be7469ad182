"""`python -m generators check`: read finished copy back against its briefs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from generators.approval import VariantsFile, said


def check(
    file: Annotated[Path, typer.Argument(metavar="VARIANTS.jsonl", help="As `copy` wrote it, or edited since.")],
) -> None:
    """Check every string of a variants file again; ends with code 1 where one would state something wrong."""
    found = VariantsFile(file)
    console, wrong = Console(soft_wrap=True), 0
    for id_ in found.ids:
        findings = [finding for finding in found.findings(id_) if finding.check != "state"]
        wrong += bool(findings)
        for finding in findings:
            console.print(f"{id_}  {said(finding)}", markup=False, highlight=False)
    console.print(f"{len(found.ids) - wrong} of {len(found.ids)} variants pass every check", highlight=False)
    if wrong:
        raise typer.Exit(1)
