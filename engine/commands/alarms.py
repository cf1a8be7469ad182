"""`python -m engine alarms`: what a running server's metrics say is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated
from urllib.error import URLError
from urllib.request import urlopen

import typer
from rich.console import Console
from rich.table import Table

from engine.commands.target import fail
from engine.telemetry.alarm import ALARMS

_LINE = re.compile(r'armsreach_alarm\{campaign="((?:[^"\\]|\\.)*)",name="([a-z_]+)"\} 1(?:\.0)?\Z')
_PATIENCE_S = 5.0

Metrics = Annotated[str, typer.Option("--metrics", help="The server's metrics; host:port of telemetry.metrics_port.")]


Check = Annotated[bool, typer.Option("--check", help="End with exit code 1 where there are alarms.")]


def alarms(metrics: Metrics = "127.0.0.1:9464", check: Check = False) -> None:
    """Show the alarms of a running server, each with its likely cause and what to do."""
    url = f"http://{metrics}/metrics"
    try:
        with urlopen(url, timeout=_PATIENCE_S) as answer:
            found = raised(answer.read().decode().splitlines())
    except (URLError, OSError, ValueError) as error:
        fail(f"{url}: {getattr(error, 'reason', error)}; set telemetry.metrics_port, or name another --metrics")
    if not found:
        Console().print("no alarms")
        return
    table = Table("alarm", "campaign", "what was found", "likely cause", "what to do")
    for name, campaign in found:
        alarm = ALARMS[name]
        table.add_row(name, campaign, alarm.meaning, alarm.cause, alarm.action)
    Console().print(table)
    if check:
        raise typer.Exit(1)


def raised(lines: Iterable[str]) -> list[tuple[str, str]]:
    """(alarm, campaign) of the alarms that hold, from the text that Prometheus reads.

    Examples:
        >>> raised(['armsreach_alarm{campaign="promo",name="context_drift"} 1.0', "other 1.0"])
        [('context_drift', 'promo')]
    """
    matches = (_LINE.match(line) for line in lines)
    return sorted((m[2], m[1]) for m in matches if m and m[2] in ALARMS)
