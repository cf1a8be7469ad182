"""All commands of `python -m engine`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.commands.access import remember_access
from engine.commands.alarms import alarms
from engine.commands.campaign import campaign
from engine.commands.models import models
from engine.commands.profiles import profiles
from engine.commands.tokens import tokens
from engine.config import Settings, read_settings
from engine.telemetry.log_format import set_up_logging

app = typer.Typer(
    help="Decide which copy, on which channel, in which slot; learn from what comes of it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(campaign, name="campaign", callback=remember_access)
app.add_typer(models, name="models", callback=remember_access)
app.add_typer(tokens, name="tokens")
app.add_typer(profiles, name="profiles")
app.command()(alarms)

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings in TOML; see examples/armsreach.toml.")]
Data = Annotated[str, typer.Option("--data", help="Data folder, instead of the one in the settings.")]


@app.command()
def serve(
    config: Config = None,
    data: Data = "",
    port: Annotated[int, typer.Option(help="Port, instead of the one in the settings; 0 takes any free one.")] = -1,
    announce: Annotated[str, typer.Option(help="Write host:port to this file once the server listens.")] = "",
) -> None:
    """Start the server, and the learner beside it; ends on SIGTERM or Ctrl-C, drained."""
    from engine.server.process import serve as run

    run(_log(_settings(config, data, port)), config, announce)


@app.command()
def learn(
    config: Config = None,
    data: Data = "",
    campaign_id: Annotated[str, typer.Option("--campaign", help="One campaign; all where none is named.")] = "",
    rebuild: Annotated[
        bool, typer.Option(help="Learn anew from the whole journal, under the present settings.")
    ] = False,
    once: Annotated[bool, typer.Option(help="Stop when everything in the journal is learned.")] = False,
    beside: Annotated[int, typer.Option(hidden=True, help="Stop when this parent process is gone.")] = 0,
) -> None:
    """Learn from the journal and publish snapshots; `serve` runs this by itself."""
    from engine.commands.learn import run

    run(_log(_settings(config, data)), campaign_id, rebuild=rebuild, once=once, beside=beside)


@app.command()
def log(
    campaign_id: Annotated[str, typer.Option("--campaign", help="Campaign.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Decision log to write, JSON Lines.")],
    config: Config = None,
    data: Data = "",
) -> None:
    """Export a campaign's decisions, joined with their outcomes, for `python -m simulator`."""
    from engine.commands.log import run

    run(_settings(config, data), campaign_id, output)


@app.command()
def forget(
    users: Annotated[
        list[str] | None, typer.Argument(metavar="USER...", help="Shoppers, as the shop knows them.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Shoppers, one a line.")] = None,
    config: Config = None,
    data: Data = "",
) -> None:
    """Erase shoppers from this data folder, for good; servers may go on meanwhile."""
    from engine.commands.forget import run

    run(_settings(config, data), users or [], file)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("demo-out"),
    decisions: Annotated[int, typer.Option(min=1000, help="How many shoppers come by.")] = 20_000,
) -> None:
    """Run the whole loop on real parts: copy, server, shoppers, learning, replay. Takes a few minutes."""
    from rich.console import Console

    from engine.demo import Demo, external_data

    checkout = Path(__file__).resolve().parents[2]
    Demo(folder, decisions, checkout / "examples", external_data(checkout), Console(highlight=False)).run()


def _settings(config: Path | None, data: str, port: int = -1) -> Settings:
    overrides = {name: value for name, value in (("data", data),) if value}
    settings = read_settings(config)
    if overrides or port >= 0:
        settings = settings.overridden(data=data or settings.data, port=settings.server.port if port < 0 else port)
    return settings


def _log(settings: Settings) -> Settings:
    set_up_logging(settings.telemetry.log_format)
    return settings
