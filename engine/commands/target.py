"""The server that a command talks to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from engine.client import Client, ClientOptions
from engine.commands.access import given_access
from engine.core.errors import ArmsreachError, Overloaded

UNUSABLE = 2

Target = Annotated[str, typer.Option("--target", help="The server's host:port.")]
DEFAULT_TARGET = "127.0.0.1:50551"


@contextmanager
def server(target: str) -> Iterator[Client]:
    """A client for one command; what goes wrong ends in one line and exit code 2.

    A person who waits at a terminal wants to hear soon that nobody listens; so the patience is short.
    """
    try:
        with Client(target, _options()) as client:
            yield client
    except Overloaded as error:
        fail(f"{error} Start it with `python -m engine serve`, or name another --target.")
    except ArmsreachError as error:
        fail(str(error))


def _options() -> ClientOptions:
    access = given_access()
    return ClientOptions(
        patience_s=3.0,
        token=access.token(),
        ca_file=str(access.ca or ""),
        certificate_file=str(access.certificate or ""),
        key_file=str(access.key or ""),
    )


def fail(message: str) -> None:
    """Say what is wrong and end the command with exit code 2."""
    Console(stderr=True).print(f"[red]error:[/red] {escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(UNUSABLE)
