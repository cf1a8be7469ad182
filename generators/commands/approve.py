"""`python -m generators approve`: a person goes through drafts."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from engine.core.errors import InvalidInput
from generators.approval import Decision, VariantsFile, said
from generators.commands.options import By, approver
from generators.preview import PhonePreview

_KEYS = {"a": "approved", "r": "killed", "s": ""}


def approve(
    file: Annotated[Path, typer.Argument(metavar="VARIANTS.jsonl", help="As `copy` wrote it.")],
    variants: Annotated[list[str] | None, typer.Argument(metavar="[VARIANT]...", help="Ids to approve.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Approve every draft.")] = False,
    reject: Annotated[
        list[str] | None, typer.Option(help="Id never to send: its state becomes killed; repeatable.")
    ] = None,
    by: Annotated[str, By] = "",
    note: Annotated[str, typer.Option(help="Why; kept in the provenance.")] = "",
) -> None:
    """Approve or reject drafts; without ids, you are shown one after the other.

    Each variant is checked again as it stands in the file, so that copy edited by hand states no wrong fact either.
    """
    console = Console()
    found = VariantsFile(file)
    now = datetime.now(UTC)
    ids = found.drafts() if every else list(variants or [])
    if both := set(ids) & set(reject or []):
        raise InvalidInput("is to be approved and rejected; choose one", field=min(both))
    if not ids and not reject and not every:
        _ask(found, approver(by), note, console)
        return
    if reject:
        found.decide(reject, Decision("killed", approver(by), now, note))
    if ids:
        found.decide(ids, Decision("approved", approver(by), now, note))
    _summary(found, console)


def _ask(found: VariantsFile, by: str, note: str, console: Console) -> None:
    """Show draft after draft; every answer is written at once, so that nothing is lost by stopping."""
    if not sys.stdin.isatty():
        message = "expected ids, --all or --reject where nobody can be asked"
        raise InvalidInput(message, field="VARIANT")
    drafts = found.drafts()
    for number, id_ in enumerate(drafts, 1):
        console.print(PhonePreview(found.records[id_]))
        findings = found.findings(id_)
        for finding in findings:
            console.print(f"  {said(finding)}", style="red", markup=False)
        keys = "r reject, s skip, q stop" if findings else "a approve, r reject, s skip, q stop"
        answer = ""
        while answer not in (*_KEYS, "q") or (answer == "a" and findings):
            answer = _answer(f"{number} of {len(drafts)}  {id_}  [{keys}]")
        if answer == "q":
            break
        if _KEYS[answer]:
            found.decide([id_], Decision(_KEYS[answer], by, datetime.now(UTC), note))
    _summary(found, console)


def _answer(question: str) -> str:
    """What was typed in lower case; Ctrl-C and the end of input stop as `q` does."""
    try:
        return str(typer.prompt(question, default="s", show_default=False)).lower()
    except typer.Abort:
        typer.echo()
        return "q"


def _summary(found: VariantsFile, console: Console) -> None:
    states = Counter(str(record.get("state", "draft")) for record in found.records.values())
    listed = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    console.print(f"{found.path}: {listed}", highlight=False, soft_wrap=True)
    if states["approved"]:
        following = f"next: python -m engine campaign put-variants CAMPAIGN {found.path}"
        console.print(following, highlight=False, style="dim", soft_wrap=True)
