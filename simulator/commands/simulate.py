"""`simulate SCENARIO -o LOG`: close the loop in a shop with known truth."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from engine.core.errors import InvalidInput
from simulator.commands.exit_codes import errors_become_exits
from simulator.commands.written import say_written
from simulator.report.write import write_report
from simulator.shop.in_process import InProcess
from simulator.shop.loop import Loop
from simulator.shop.presets import PRESETS, read_scenario
from simulator.shop.remote import Remote
from simulator.shop.service_port import ServicePort
from simulator.shop.shop import Shop
from simulator.shop.simulated import Simulated
from simulator.shop.simulated_report import print_simulated

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("simulate")(simulate)


def simulate(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help=f"{', '.join(PRESETS)}, or a TOML file.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="LOG", help="Where to write the decision log.")],
    decisions: Annotated[int | None, typer.Option(metavar="N", help="Instead of the scenario's number.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of shoppers, copy, truth and luck.")] = 0,
    variants: Annotated[Path | None, typer.Option(metavar="FILE", help="Copy from a variants file.")] = None,
    target: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help='A running server with clock = "client".')
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep the in-process service's data here; must be new.")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="OUT", help="Write the result as JSON; - for stdout.")] = None,
) -> None:
    """Let shoppers with known tastes meet the real service, and compare its reward with what was to be had.

    In process by default, deterministic in --seed; over gRPC with --target.
    """
    with errors_become_exits(), _without_warnings():
        to_stdout = json is not None and str(json) == "-"
        chosen = read_scenario(scenario)
        if decisions is not None:
            chosen = replace(chosen, decisions=decisions)
        if variants is not None:
            chosen = replace(chosen, copy=replace(chosen.copy, file=str(variants)))
        shop = Shop.open(chosen, seed)
        run, rows = _run(shop, output, target, data)
        if json is not None:
            write_report(None if to_stdout else json, orjson.dumps(run.to_json(), option=orjson.OPT_INDENT_2))
        if not to_stdout:
            print_simulated(run, Console())
            say_written(rows, output)


def _run(shop: Shop, output: str, target: str | None, data: Path | None) -> tuple[Simulated, int]:
    if target is not None and data is not None:
        raise InvalidInput("expected one of the two: with --target the server keeps the data", field="--data")
    if data is not None and data.exists() and any(data.iterdir()):
        raise InvalidInput("expected a new or empty folder; name another", field="--data")
    if not Path(output).absolute().parent.is_dir():
        raise InvalidInput("expected a path in a folder that exists; make the folder first", field="--output")
    with tempfile.TemporaryDirectory(prefix="armsreach-simulate-") as scratch:
        service: ServicePort
        if target is None:
            # Retries are not simulated, so nothing but the number of outcomes sets the room that is needed.
            service = InProcess(data or Path(scratch) / "data", shop, capacity=10 * shop.scenario.decisions + 1000)
        else:
            service = Remote(target, shop)
        try:
            loop = Loop(shop, service)
            with _progress() as progress:
                task = progress.add_task(f"simulating {shop.scenario.name}", total=shop.scenario.decisions)
                ledger = loop.run(lambda done: progress.update(task, completed=done))
            return Simulated.of(ledger, service.snapshots), service.export(output)
        finally:
            service.close()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep the service's warnings out of the progress bar.

    Purchases of shoppers whom no decision covers are set aside at every step: that is the shop, not a fault.
    """
    log = logging.getLogger("engine.service")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def _progress() -> Progress:
    """A bar on stderr, so that --json - stays clean."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
