"""`python -m engine campaign`: set up campaigns and their copy on a running server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from engine.client import CampaignState
from engine.commands.target import DEFAULT_TARGET, Target, server
from engine.commands.variants_file import read_variants
from engine.config import read_toml
from engine.core.campaign import Campaign
from engine.core.feedback_file import Comments, read_feedback
from engine.core.reading import plain, read
from engine.core.variant import Variant, VariantState

campaign = typer.Typer(help="Campaigns and their copy, on a running server.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Campaign id.")]
Variants = Annotated[list[str], typer.Argument(metavar="VARIANT...", help="Variant ids.")]


@campaign.command()
def create(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The campaign; see examples/campaign.toml.")],
    variants: Annotated[
        Path | None, typer.Option("--variants", help="Its copy, JSON Lines, as `python -m generators copy` writes it.")
    ] = None,
    target: Target = DEFAULT_TARGET,
) -> None:
    """Create a campaign from a file."""
    with server(target) as client:
        settings = read_toml(file)
        found = read(Campaign, settings, file=str(file))
        if variants is not None:
            merged = {item.id: item for item in (*found.variants, *read_variants(variants))}
            found = found.with_variants(tuple(merged.values()))
        _show(client.create_campaign(plain(found)))


@campaign.command()
def update(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The campaign with its changed settings.")],
    target: Target = DEFAULT_TARGET,
) -> None:
    """Change the settings of a campaign; its copy and the states of its copy stay as they are."""
    with server(target) as client:
        changed = plain(read(Campaign, read_toml(file), file=str(file)))
        # Copy in the file would bring back what was paused or killed since.
        del changed["variants"]
        _show(client.update_campaign(changed["id"], changed))


@campaign.command("list")
def list_(target: Target = DEFAULT_TARGET) -> None:
    """List all campaigns."""
    table = Table("campaign", "channels", "variants", "arms", "objective", "explores")
    with server(target) as client:
        for state in client.campaigns():
            found = read(Campaign, state.settings, file=f"campaign {state.id}")
            table.add_row(
                state.id,
                " ".join(channel.id for channel in found.channels),
                _counted(found),
                str(state.arms),
                _objective(found),
                found.exploration.label,
            )
    Console().print(table)


@campaign.command()
def show(
    campaign_id: Id,
    feedback: Annotated[
        Path | None, typer.Option(help="What shoppers say: the .variants.json of `generators feedback`.")
    ] = None,
    target: Target = DEFAULT_TARGET,
) -> None:
    """Show a campaign and its copy, with what shoppers say of it."""
    said = read_feedback(feedback) if feedback else None
    with server(target) as client:
        _show(client.campaign(campaign_id), said)


@campaign.command()
def put_variants(
    campaign_id: Id,
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Copy, JSON Lines.")],
    target: Target = DEFAULT_TARGET,
) -> None:
    """Add copy, or replace copy of the same ids."""
    with server(target) as client:
        _show(client.put_variants(campaign_id, read_variants(file)))


@campaign.command()
def approve(campaign_id: Id, variants: Variants, target: Target = DEFAULT_TARGET) -> None:
    """Let copy be sent."""
    _set_state(target, campaign_id, variants, VariantState.APPROVED)


@campaign.command()
def pause(campaign_id: Id, variants: Variants, target: Target = DEFAULT_TARGET) -> None:
    """Stop sending copy, for now."""
    _set_state(target, campaign_id, variants, VariantState.PAUSED)


@campaign.command()
def kill(campaign_id: Id, variants: Variants, target: Target = DEFAULT_TARGET) -> None:
    """Stop sending copy, for good: from the answer on, no new decision sends it."""
    _set_state(target, campaign_id, variants, VariantState.KILLED)


def _set_state(target: str, campaign_id: str, variants: list[str], state: VariantState) -> None:
    with server(target) as client:
        for variant in variants:
            client.set_variant_state(campaign_id, variant, state)
            Console().print(f"{campaign_id}: {variant} is {state}", highlight=False)


def _show(state: CampaignState, said: Mapping[str, Comments] | None = None) -> None:
    found = read(Campaign, state.settings, file=f"campaign {state.id}")
    console = Console()
    console.print(
        f"[bold]{state.id}[/bold]  revision {state.revision}  {state.arms} arms  {_objective(found)}"
        f"  {found.exploration.label}  control {found.shares.control:.1%}  holdout {found.shares.holdout:.1%}",
        highlight=False,
    )
    console.print(_copy(found, said))
    if said is not None and not any(variant.id in said for variant in found.variants):
        console.print("no comment is of this copy: its variants are not those of --feedback", style="yellow")


def _copy(found: Campaign, said: Mapping[str, Comments] | None = None) -> Table:
    """Lay out the copy; ids stand whole, since `approve`, `pause` and `kill` take them."""
    table = Table(Column("variant", no_wrap=True), Column("state", no_wrap=True))
    for name in ("channels", "category", "offer", "embedding" if said is None else "comments"):
        table.add_column(name, overflow="fold")
    for variant in found.variants:
        table.add_row(
            variant.id,
            variant.state,
            " ".join(variant.channels),
            variant.category,
            " ".join(_named(name, value) for name, value in variant.offer.items() if value is not False),
            _embedded(variant) if said is None else str(said.get(variant.id, "none")),
        )
    return table


def _embedded(variant: Variant) -> str:
    return f"{variant.embedding_model} {len(variant.embedding)}" if variant.embedding else ""


def _named(name: str, value: object) -> str:
    return name if value is True else f"{name}={value}"


def _counted(found: Campaign) -> str:
    states = Counter(str(variant.state) for variant in found.variants)
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"


def _objective(found: Campaign) -> str:
    return " + ".join(f"{weight:g}·{term}" for term, weight in found.objective.weights.items())
