"""`python -m engine tokens`: who may call a server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from engine.config import Settings, read_settings
from engine.core.scope import Scope
from engine.store.access import TokenFile

tokens = typer.Typer(help="Tokens of the clients that may call this host's server.", no_args_is_help=True)

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings in TOML; see examples/armsreach.toml.")]
Data = Annotated[str, typer.Option("--data", help="Data folder, instead of the one in the settings.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the client.")]


@tokens.command()
def add(
    name: Name,
    scopes: Annotated[list[Scope], typer.Option("--scope", help="What it may do; repeat for several.")],
    campaigns: Annotated[
        list[str] | None, typer.Option("--campaign", help="The only campaigns it is for; repeat for several.")
    ] = None,
    rows_per_s: Annotated[
        float, typer.Option(min=0, help="Decisions and outcomes a second, instead of limits.rows_per_s.")
    ] = 0.0,
    config: Config = None,
    data: Data = "",
) -> None:
    """Make a token and print it, once: the file keeps its digest only."""
    settings = _settings(config, data)
    file = TokenFile(settings.tokens_file)
    token = file.add(name, scopes, datetime.now(UTC).replace(microsecond=0), tuple(campaigns or ()), rows_per_s)
    print(token)
    note = Console(stderr=True, highlight=False, soft_wrap=True)
    note.print(f"{name}: keep this token where the client reads it; it is shown this once. Digest in {file.path}")
    if not settings.security.tokens:
        note.print(f'The settings name no file of tokens yet: set tokens = "{file.path.resolve()}" in \\[security].')


@tokens.command("list")
def list_(config: Config = None, data: Data = "") -> None:
    """List the tokens, by name; a running server takes changes up within a second."""
    file = TokenFile(_settings(config, data).tokens_file)
    table = Table("client", "scopes", "campaigns", "rows a second", "made")
    for grant in file.grants():
        table.add_row(
            grant.name,
            " ".join(grant.scopes),
            " ".join(grant.campaigns) or "all",
            f"{grant.rows_per_s:g}" if grant.rows_per_s else "",
            f"{grant.created_at:%Y-%m-%d %H:%M:%SZ}" if grant.created_at else "",
        )
    Console().print(table)


@tokens.command()
def revoke(name: Name, config: Config = None, data: Data = "") -> None:
    """Make a token worthless, for streams under way as well."""
    TokenFile(_settings(config, data).tokens_file).revoke(name)
    Console(highlight=False).print(f"{name}: revoked")


def _settings(config: Path | None, data: str) -> Settings:
    settings = read_settings(config)
    return settings.overridden(data=data, port=settings.server.port) if data else settings
