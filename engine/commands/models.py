"""`python -m engine models`: published snapshots, and who is served by what, on a running server."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.pretty import Pretty
from rich.table import Table

from engine.client import ShareState, SnapshotState
from engine.commands.target import DEFAULT_TARGET, Target, server

models = typer.Typer(help="Snapshots and shares, on a running server.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Campaign id.")]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="Snapshot version; see `models list`.")]
OtherVersion = Annotated[str, typer.Argument(metavar="[VERSION]", help="The champion's parent where none is named.")]


@models.command("list")
def list_(
    campaign_id: Id,
    last: Annotated[int, typer.Option(metavar="N", min=1, help="Only the newest N.")] = 20,
    target: Target = DEFAULT_TARGET,
) -> None:
    """List the snapshots of a campaign, oldest first."""
    with server(target) as client:
        snapshots = client.snapshots(campaign_id)
    if not snapshots:
        Console().print(f"{campaign_id}: nothing published yet; decisions are uniform (mode fallback)")
        return
    table = Table("version", "created", "learned", "parent", "")
    for snapshot in snapshots[-last:]:
        table.add_row(
            snapshot.version, f"{snapshot.created_at:%Y-%m-%d %H:%M:%SZ}", str(snapshot.t), snapshot.parent,
            _marks(snapshot),
        )  # fmt: skip
    Console().print(table)


@models.command()
def show(
    campaign_id: Id,
    version: Annotated[str, typer.Argument(metavar="[VERSION]", help="The champion where none is named.")] = "",
    target: Target = DEFAULT_TARGET,
) -> None:
    """Show one snapshot with its manifest."""
    with server(target) as client:
        snapshot = client.snapshot(campaign_id, version)
    Console().print(f"[bold]{snapshot.version}[/bold]  {_marks(snapshot)}", highlight=False)
    Console().print(Pretty(dict(snapshot.manifest), expand_all=True))


@models.command()
def promote(campaign_id: Id, version: Version, target: Target = DEFAULT_TARGET) -> None:
    """Make a snapshot the champion, whatever its age."""
    with server(target) as client:
        _say(client.promote(campaign_id, version))


@models.command()
def roll_back(campaign_id: Id, version: OtherVersion = "", target: Target = DEFAULT_TARGET) -> None:
    """Go back to the champion before, or to the one named."""
    with server(target) as client:
        _say(client.roll_back(campaign_id, version))


@models.command()
def shares(
    campaign_id: Id,
    control: Annotated[float | None, typer.Option(help="New share served uniformly, of those not held out.")] = None,
    holdout: Annotated[float | None, typer.Option(help="New share that gets nothing.")] = None,
    target: Target = DEFAULT_TARGET,
) -> None:
    """Show the shares of users outside the learned policy, or change them."""
    with server(target) as client:
        if control is None and holdout is None:
            found = client.shares(campaign_id)
        else:
            found = client.set_shares(campaign_id, control=control, holdout=holdout)
    _show_shares(found)


def _show_shares(found: ShareState) -> None:
    table = Table("share", "of users", "get")
    table.add_row("champion", f"{found.champion:.2%}", "the learned policy")
    table.add_row("control", f"{found.control:.2%}", "uniform choices, to see what learning adds")
    table.add_row("holdout", f"{found.holdout:.2%}", "nothing, to see what the whole programme adds")
    Console().print(table)


def _say(snapshot: SnapshotState) -> None:
    Console().print(f"{snapshot.campaign}: {snapshot.version} {_marks(snapshot)}", highlight=False)


def _marks(snapshot: SnapshotState) -> str:
    marks = [name for name, holds in (("champion", snapshot.champion), ("serving", snapshot.serving)) if holds]
    return ", ".join(marks)
