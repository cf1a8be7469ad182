"""`place FOLDER --data DATA`: put a sweep's winner beside the champion, for somebody to promote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from engine.core.errors import NotFound
from engine.store import SnapshotStore
from simulator.commands.exit_codes import errors_become_exits
from simulator.promotion import placed

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("place")(place)


def place(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of a sweep, as --out named it.")],
    data: Annotated[Path, typer.Option(metavar="DATA", help="The server's data folder.")],
) -> None:
    """Copy the snapshot of a sweep's winner beside the champion, which goes on serving until somebody promotes it."""
    with errors_become_exits():
        snapshots = folder / "winner" / "snapshots"
        found = sorted(snapshots.glob("*/*/manifest.json"))
        if not found:
            raise NotFound(f"{folder}: expected a sweep whose winner has a snapshot, under winner/; check the path")
        version = found[-1].parent
        campaign = version.parent.name
        name = placed(SnapshotStore(snapshots, campaign).load(version.name), data)
        console = Console(soft_wrap=True)
        console.print(Text(f"placed {campaign} {name} beside the champion in {data}"))
        console.print(Text(f"next: python -m engine models promote {campaign} {name}"))
